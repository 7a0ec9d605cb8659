package config

// Marks say when the archiver writes down its tails and where consumer groups
// are.
type Marks struct {
	Every Duration `yaml:"every"`
	// Groups are those whose committed offsets are kept. An empty list keeps
	// none; our own group is always left out.
	Groups []GroupChoice `yaml:"groups"`
}

// GroupChoice chooses consumer groups: exactly one of Name and Pattern.
type GroupChoice struct {
	Name string `yaml:"name"`
	// Pattern is a regular expression (RE2) that must match a whole name.
	Pattern string `yaml:"pattern"`
}
