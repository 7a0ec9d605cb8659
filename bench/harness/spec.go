package harness

import (
	"fmt"
	"regexp"

	"github.com/tidemark-io/tidemark/bench/report"
)

// Spec says what a point measures.
type Spec struct {
	// Name is unique in a sweep, such as "backlog/zstd/64p/filter".
	Name string
	Kind report.Kind
	// Why is the reason for the point, for whoever reads the list.
	Why string
	// Workload is what is in Kafka. Points that follow each other with the same
	// one share the topic.
	Workload report.Workload
	// Settings are the archiver's. What is 0 or empty is the program's default.
	Settings report.Settings
	// Keys is how many keys a find point asks for.
	Keys int
	// Warm find points ask for all keys in one process that has the archiver's
	// index; others ask for each key in a process with an empty one.
	Warm bool
	// Embedded points run on the embedded broker and on directories, whatever
	// the others run on.
	Embedded bool
}

// scaled returns the point with a part of its events, for a fast dry run. Its
// name stays: the workload tells the two apart.
func (s Spec) scaled(by float64) Spec {
	s.Workload.Events = int64(float64(s.Workload.Events) * by)
	if s.Kind == report.Find {
		s.Keys = max(1, int(float64(s.Keys)*by))
	}
	return s
}

// Validate says what a point lacks.
func (s Spec) Validate() error {
	switch w := s.Workload; {
	case s.Name == "":
		return fmt.Errorf("point without a name")
	case w.Partitions < 1:
		return fmt.Errorf("point %s: %d partitions: want 1 or more", s.Name, w.Partitions)
	case s.Kind == report.Live && w.Rate <= 0:
		return fmt.Errorf("point %s: live: want a rate", s.Name)
	case w.Events < 1:
		return fmt.Errorf("point %s: %d events: want 1 or more", s.Name, w.Events)
	case s.Kind == report.Find && s.Keys < 1:
		return fmt.Errorf("point %s: find: want the number of keys", s.Name)
	}
	return nil
}

// Plan is a sweep as it is run: scaled, chosen from, and repeated.
type Plan struct {
	// Scale multiplies events and keys; 0 is 1.
	Scale float64
	// Only keeps the points whose name matches, nil all.
	Only *regexp.Regexp
	// Repeat runs each group of points that share a topic so many times over, in
	// turn: floor, archiver, floor, archiver. 0 is 1.
	Repeat int
}

// Points are the points to run, in order. A repeated point's name ends in "#2"
// and so on.
func (p Plan) Points(all []Spec) ([]Spec, error) {
	var chosen []Spec
	for _, s := range all {
		if p.Only != nil && !p.Only.MatchString(s.Name) {
			continue
		}
		if p.Scale > 0 {
			s = s.scaled(p.Scale)
		}
		if err := s.Validate(); err != nil {
			return nil, err
		}
		chosen = append(chosen, s)
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no point is left to run")
	}
	var out []Spec
	for len(chosen) > 0 {
		n := sharing(chosen)
		out = append(out, repeated(chosen[:n], p.Repeat)...)
		chosen = chosen[n:]
	}
	return out, nil
}

// sharing is how many points at the beginning share a topic.
func sharing(points []Spec) int {
	n := 1
	for n < len(points) && points[n].sameTopic(points[0]) {
		n++
	}
	return n
}

// sameTopic reports whether two points can use one topic.
func (s Spec) sameTopic(o Spec) bool {
	return s.Kind != report.Live && o.Kind != report.Live && s.Workload == o.Workload && s.Embedded == o.Embedded
}

func repeated(group []Spec, times int) []Spec {
	out := group[:len(group):len(group)]
	for i := 2; i <= times; i++ {
		for _, s := range group {
			s.Name = fmt.Sprintf("%s#%d", s.Name, i)
			out = append(out, s)
		}
	}
	return out
}
