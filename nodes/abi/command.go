package abi

// ExportStart is what a WASI command exports instead of alloc and run: a program that reads its input from standard input, writes its
// output to standard output, and says with an exit status other than 0 that it has failed.
const ExportStart = "_start"
