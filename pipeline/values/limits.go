package values

const (
	// maxBytes is the longest key or value that is decoded, in bytes: the
	// largest record that is archived by default.
	maxBytes = 32 << 20

	// maxNodes bounds the values in one tree. A node takes some 100 bytes, so
	// that two bytes of "[0,0,0…" cost 50 times their length; with this many a
	// tree stays below 200 MB.
	maxNodes = 1 << 20

	// maxDepth is how deep a tree or the type of one may go. No record that
	// means something comes near; what recurses over trees stays within its
	// stack.
	maxDepth = 512

	// maxDecimal bounds a decimal's unscaled number, in bytes: 19,700 digits.
	// Turning it into text takes time almost with the square of it.
	maxDecimal = 8 << 10

	// maxScale bounds a decimal's scale: each digit of it may be a zero in the
	// text. It is PostgreSQL's limit.
	maxScale = 16383

	// nodeBytes is what a node may take before it counts as more than one.
	nodeBytes = 64

	// maxSchemas is how many compiled schemas a Decoder keeps. Beyond it all
	// are given up: thousands of ids in use are not a registry but an attack.
	maxSchemas = 4096

	// maxTypes bounds the types that one schema describes.
	maxTypes = 1 << 16
)
