package postgres

import "crypto/sha256"

// maxDocuments bounds the documents of an hour that a machine remembers.
const maxDocuments = 4096

// documents are those that this machine knows to be stored. What it inserts with them is not
// inserted if it is wrong, and then tried again with the document.
type documents struct {
	hour    uint32
	digests map[[sha256.Size]byte]bool
}

func (d *documents) has(hour uint32, digest [sha256.Size]byte) bool {
	return d.hour == hour && d.digests[digest]
}

// add adds a document. Of several hours, those of the last one are remembered.
func (d *documents) add(hour uint32, digest [sha256.Size]byte) {
	if hour < d.hour {
		return
	}
	if hour > d.hour || d.digests == nil || len(d.digests) >= maxDocuments {
		d.hour, d.digests = hour, make(map[[sha256.Size]byte]bool)
	}
	d.digests[digest] = true
}

// forget forgets the documents of an hour.
func (d *documents) forget(hour uint32) {
	if d.hour == hour {
		d.digests = nil
	}
}
