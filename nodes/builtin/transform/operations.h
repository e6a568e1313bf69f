#ifndef OPERATIONS_H
#define OPERATIONS_H

#include "../nodes.h"

// operate applies operations to an input, in order. Values that they do not touch keep their key order and digits.
ft_answer operate(ft_text input, ft_text operations);

#endif
