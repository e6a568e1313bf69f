package move

// Forge returns a file of lines with right checksums.
func Forge(objects ...string) (b []byte) {
	var sum chain
	for _, o := range objects {
		sum = sum.next([]byte(o))
		b = append(b, sum.String()+" "+o+"\n"...)
	}
	return b
}
