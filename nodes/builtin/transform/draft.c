#include "draft.h"

// put writes a text, and gives where it ends.
static char *put(char *to, ft_text text) {
	if (text.len > 0)
		memcpy(to, text.ptr, text.len);
	return to + text.len;
}

void draft_replace(draft *d, ft_text part, ft_text before, ft_text value, ft_text behind) {
	const char *old = d->text.ptr;
	size_t start = (size_t)(part.ptr - old), old_end = start + part.len, rest = d->text.len - old_end;
	size_t end = start + before.len + value.len + behind.len, need = end + rest;
	if (need > d->size) {
		d->size = need > SIZE_MAX / 2 ? need : need + need / 2;
		d->room = allocate(d->size);
	}
	if (old != d->room)
		put(d->room, (ft_text){old, start});
	if (rest > 0)
		memmove(d->room + end, old + old_end, rest);
	put(put(put(d->room + start, before), value), behind);
	d->text = (ft_text){d->room, need};
}
