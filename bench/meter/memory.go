package meter

// Memory holds the resident memory of a process in bytes.
type Memory struct {
	Resident  uint64
	Anonymous uint64 // nobody else has it: heaps, stacks, memories of instances, mapped copies
	File      uint64 // pages of files, which the kernel can drop and read again
	Peak      uint64 // the most that was resident at any time
}
