package abi

// ExportStart is the export of a WASI command, which has no alloc and run: a program that reads its
// input from standard input, writes its output to standard output, and reports a failure by an exit
// status other than 0.
const ExportStart = "_start"
