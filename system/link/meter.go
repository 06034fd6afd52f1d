package link

import (
	"strconv"
	"strings"

	"greylock/system/clock"
)

// Measured is a core that tells a monitor how it stands. Both only read.
type Measured interface {
	Measure(now clock.Instant, m *Meter)
	// Unready names, in both languages, what keeps the site from its work; none if it can.
	Unready(now clock.Instant) []string
}

// Meter collects figures for a monitor in Prometheus' text form. Figures of one name stand together. The zero value is ready.
type Meter struct {
	text strings.Builder
	last string
}

// Gauge is a figure that goes up and down. labels are pairs of name and value.
func (m *Meter) Gauge(name, help string, value int64, labels ...string) {
	m.head(name, help, "gauge")
	m.Sample(name, strconv.FormatInt(value, 10), labels...)
}

// Counter is a figure that only rises while the program runs.
func (m *Meter) Counter(name, help string, value uint64, labels ...string) {
	m.head(name, help, "counter")
	m.Sample(name, strconv.FormatUint(value, 10), labels...)
}

// Histogram is times by upper bound, in milliseconds; counts has one place more than bounds, for what was slower; sum is in microseconds.
func (m *Meter) Histogram(name, help string, bounds []int64, counts []uint64, sum uint64) {
	m.head(name, help, "histogram")
	total := uint64(0)
	for i, n := range counts {
		total += n
		le := "+Inf"
		if i < len(bounds) {
			le = seconds(uint64(bounds[i]) * 1000)
		}
		m.Sample(name+"_bucket", strconv.FormatUint(total, 10), "le", le)
	}
	m.Sample(name+"_sum", seconds(sum))
	m.Sample(name+"_count", strconv.FormatUint(total, 10))
}

// seconds writes microseconds as seconds.
func seconds(us uint64) string {
	const micros = 1_000_000
	tail := strconv.FormatUint(micros+us%micros, 10)[1:]
	return strings.TrimRight(strings.TrimRight(strconv.FormatUint(us/micros, 10)+"."+tail, "0"), ".")
}

func (m *Meter) head(name, help, kind string) {
	if m.last == name {
		return
	}
	m.last = name
	m.text.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
}

// Sample writes one line under the head before it.
func (m *Meter) Sample(name, value string, labels ...string) {
	m.text.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		m.text.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + labels[i] + `="` + quoted.Replace(labels[i+1]) + `"`)
	}
	if len(labels) > 1 {
		m.text.WriteByte('}')
	}
	m.text.WriteString(" " + value + "\n")
}

// quoted is a label's value as Prometheus reads it.
var quoted = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// String is everything collected.
func (m *Meter) String() string { return m.text.String() }
