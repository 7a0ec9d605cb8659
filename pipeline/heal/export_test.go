package heal

// SetMemory makes a healer copy through a file what is larger.
func (h *Healer) SetMemory(bytes int64) { h.memory = bytes }
