package flow

import "github.com/flowtrux/edge/nodes/rawjson"

// The functions of this file read valid JSON from front to back: what is called for a value gets
// the text that begins with it and returns the text behind it. So each byte is looked at once,
// however deep values nest. rawjson.Members has to find the end of a value before it can hand it
// on.

// eachMember calls fn for each member of the object that text begins with. The key is as
// rawjson.Members gives it. The walk ends early when fn returns nil.
func eachMember(text []byte, fn func(key, text []byte) (rest []byte)) (rest []byte) {
	text = past(text, '{')
	for rawjson.KindOf(text) == rawjson.String {
		key, value := rawjson.First(text)
		text = past(fn(key[1:len(key)-1], past(value, ':')), ',')
	}
	return past(text, '}')
}

// eachElement is eachMember for an array.
func eachElement(text []byte, fn func(text []byte) (rest []byte)) (rest []byte) {
	text = past(text, '[')
	for rawjson.KindOf(text) != rawjson.Invalid {
		text = past(fn(text), ',')
	}
	return past(text, ']')
}

// past returns the text behind c, if c is next, and behind the space around it.
func past(text []byte, c byte) []byte {
	text = pastSpace(text)
	if len(text) > 0 && text[0] == c {
		text = pastSpace(text[1:])
	}
	return text
}

// pastSpace returns the text behind the space that it begins with: of valid JSON nothing else has
// such bytes between tokens.
func pastSpace(text []byte) []byte {
	for len(text) > 0 && text[0] <= ' ' {
		text = text[1:]
	}
	return text
}
