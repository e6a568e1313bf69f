package flow

import "github.com/flowtrux/edge/nodes/rawjson"

// The functions of this file read valid JSON from front to back: the callback for a value gets the
// text that begins with it, and returns the text behind it. So each byte is read once, however
// deeply values are nested. rawjson.Members must find the end of a value before it can pass it on.

// eachMember calls fn for each member of the object that text begins with. The key is as in
// rawjson.Members. The walk stops early when fn returns nil.
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

// past returns the text behind c, if c is next, and behind the white space around it.
func past(text []byte, c byte) []byte {
	text = pastSpace(text)
	if len(text) > 0 && text[0] == c {
		text = pastSpace(text[1:])
	}
	return text
}

// pastSpace returns the text behind its leading white space: valid JSON has no other bytes like
// that between tokens.
func pastSpace(text []byte) []byte {
	for len(text) > 0 && text[0] <= ' ' {
		text = text[1:]
	}
	return text
}
