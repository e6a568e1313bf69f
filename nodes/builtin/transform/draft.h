// draft.h changes a text in place.
#ifndef DRAFT_H
#define DRAFT_H

#include "../json.h"

// draft is a text that is being changed. It begins with a text that is elsewhere, which the first change copies to room. A change that
// needs more room takes half as much again as it needs, so that any number of changes leaves no more behind than a few times the longest
// text.
typedef struct {
	ft_text text;
	char *room;
	size_t size; // of room
} draft;

// draft_replace replaces a part of a draft's text by three texts, of which none is in its room.
void draft_replace(draft *d, ft_text part, ft_text before, ft_text value, ft_text behind);

#endif
