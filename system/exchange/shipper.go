// Package exchange carries a site's journal up to the center and signed directives down. There is no outbox: what has to go
// is a position in the journal, and the center's answer is the watermark. Everything is idempotent and resumable; a lost,
// doubled or altered record is seen by sequence and hash chain.
//
// Shipper is the part of a station, outlet or making room; Intake is the center's. Both are parts of a link.Core: they hold
// no I/O and no clock, and they wait for nothing.
//
// Source: design.md 4, 9; trust.md 1.1, rows 49 and 54-58.
package exchange

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// Bounds.
const (
	MaxLines = 500     // of a batch, so that the center's act stays short
	MaxBytes = 1 << 20 // of a batch's JSON, about; one act may be bigger and then goes alone

	firstRetry  = time.Second
	lastRetry   = time.Minute
	answerLimit = 2 * time.Minute  // a call without an answer is taken for lost
	defaultPoll = 30 * time.Second // trust.md L3: a price or a list reaches a station in a minute

	maxDirectives = 16 // lines of an answer that are looked at; there are few topics
)

// peer is the other side of every call.
const peer = "center"

// Source is the own journal, as far as it is durable. *journal.Journal is one.
type Source interface {
	Head() (seq uint64, chain [32]byte)
	Read(from uint64, fn func(journal.Record) error) error
}

// ShipperConfig says whose journal goes where.
type ShipperConfig struct {
	Site      record.SiteID
	Realm     record.Realm
	CenterKey ed25519.PublicKey // signs directives
	Source    Source
	Rand      *rand.Rand    // jitter of repeats
	Poll      time.Duration // between questions for directives; 0 means 30 s
}

// Shipper ships the journal and asks for directives. Its owner calls Start after replay, Kick when records have become
// durable, Wake when Due is reached, Answered for calls that may be its own, Applied for each directive that is in force,
// also at replay. All state is memory: after a restart the center's first answer tells where to go on.
type Shipper struct {
	cfg ShipperConfig

	mark  place // the center's watermark, as far as it is known
	known bool
	batch call // under way
	end   place

	ask     call
	applied map[record.Topic]uint64
	handed  map[record.Topic]uint64
	current clock.Instant // of the center's last word that nothing is newer
	refused bool          // a directive was refused and alarmed; the next good one ends that

	doubt      place // what the center said last, if it does not fit; said twice it is believed
	quarantine string
	heard      clock.Instant
	refusal    record.Refusal
}

// place is a position in the journal and the chain hash there.
type place struct {
	seq   uint64
	chain [32]byte
}

// call is a repeated question: under way (id), or due at a time.
type call struct {
	id       uint64
	due      clock.Instant // under way: when it counts as lost; else when to ask; Never: nothing to ask
	failures int
}

// NewShipper returns a shipper that does nothing before Start.
func NewShipper(cfg ShipperConfig) *Shipper {
	if cfg.Poll == 0 {
		cfg.Poll = defaultPoll
	}
	return &Shipper{
		cfg: cfg, applied: map[record.Topic]uint64{}, handed: map[record.Topic]uint64{},
		batch: call{due: clock.Never}, ask: call{due: clock.Never},
	}
}

// Start begins to ship and to ask.
func (s *Shipper) Start(now clock.Instant, out *link.Outbox) {
	s.batch.due, s.ask.due = now, now
	s.Wake(now, out)
}

// Kick says that there may be new durable records. While the center does not answer, only time counts.
func (s *Shipper) Kick(now clock.Instant, out *link.Outbox) {
	if s.batch.id == 0 && s.batch.failures == 0 {
		s.batch.due = now
		s.Wake(now, out)
	}
}

// Ask asks for directives now, unless a question is under way: the owner has put one in force that may not be the last.
func (s *Shipper) Ask(now clock.Instant, out *link.Outbox) {
	if s.ask.id == 0 && s.ask.failures == 0 {
		s.ask.due = now
		s.Wake(now, out)
	}
}

// Again says that a directive that was handed over could not be put in force: it is taken once more.
func (s *Shipper) Again(topic record.Topic) { s.handed[topic] = s.applied[topic] }

// Current is when the center last said that nothing is newer than what is applied; 0 if it has not.
func (s *Shipper) Current() clock.Instant { return s.current }

// Due is when Wake is wanted; clock.Never while nothing is to be done.
func (s *Shipper) Due() clock.Instant { return min(s.batch.due, s.ask.due) }

// Wake does what is due.
func (s *Shipper) Wake(now clock.Instant, out *link.Outbox) {
	if s.batch.id != 0 && now >= s.batch.due {
		s.batch.failed(now, s.cfg.Rand)
	}
	if s.ask.id != 0 && now >= s.ask.due {
		s.ask.failed(now, s.cfg.Rand)
	}
	if s.batch.id == 0 && now >= s.batch.due {
		s.ship(now, out)
	}
	if s.ask.id == 0 && now >= s.ask.due {
		question, err := json.Marshal(record.DirectivesQuestion{Site: s.cfg.Site, Applied: s.applied})
		if err == nil {
			s.ask.begin(now, out.Call(peer, record.PathDirectives, question, 0))
		}
	}
}

// Answered takes the outcome of a call if it is the shipper's. It returns directives to be put in force, newest per topic:
// signed by the center, for this site and realm, of a version above every one before. The owner journals and applies them.
func (s *Shipper) Answered(now clock.Instant, id uint64, status int, body []byte, err error, out *link.Outbox) []record.DirectiveLine {
	switch {
	case id == 0:
		return nil
	case id == s.batch.id:
		s.batchAnswered(now, status, body, err, out)
	case id == s.ask.id:
		return s.directives(now, status, body, err, out)
	}
	return nil
}

// ship sends the next batch. Without a watermark that is the last act: the center takes it, has it, or says what it has.
func (s *Shipper) ship(now clock.Instant, out *link.Outbox) {
	s.batch.due = clock.Never
	if s.quarantine != "" {
		return
	}
	head, _ := s.cfg.Source.Head()
	from := s.mark
	if !s.known {
		from = s.beforeLastAct(head)
	}
	if from.seq >= head {
		return
	}
	b, end, err := s.read(from)
	if err != nil {
		s.stop(now, out, "本站日志读不出: "+err.Error(), "the own journal can not be read: "+err.Error())
		return
	}
	body, err := json.Marshal(b)
	if err != nil {
		s.stop(now, out, "批次无法编码: "+err.Error(), "a batch can not be encoded: "+err.Error())
		return
	}
	s.end = end
	s.batch.begin(now, out.Call(peer, record.PathBatch, body, 0))
}

var errEnough = errors.New("exchange: enough")

// beforeLastAct looks for the act at the end of the journal; acts are at most journal.MaxAct records long.
func (s *Shipper) beforeLastAct(head uint64) (before place) {
	var last place
	ended := true
	first := uint64(1)
	if head > journal.MaxAct {
		first = head - journal.MaxAct
	}
	err := s.cfg.Source.Read(first, func(r journal.Record) error {
		if r.Seq > head {
			return errEnough
		}
		if ended && r.Seq > first || r.Seq == 1 {
			before = last // zeros before record 1
		}
		last, ended = place{r.Seq, r.Chain}, r.ActEnd
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return place{} // read will find the same fault and say so
	}
	return before
}

// read collects whole acts behind a place.
func (s *Shipper) read(from place) (b record.Batch, end place, err error) {
	b = record.Batch{Site: s.cfg.Site, First: from.seq + 1, Prev: from.chain[:]}
	end = from
	var act []string
	size, actSize := 0, 0
	err = s.cfg.Source.Read(b.First, func(r journal.Record) error {
		act = append(act, string(r.Body))
		actSize += len(r.Body) + bytes.Count(r.Body, []byte{'"'}) + bytes.Count(r.Body, []byte{'\\'}) + len(`"",`)
		if len(b.Acts) > 0 && (len(b.Lines)+len(act) > MaxLines || size+actSize > MaxBytes) {
			return errEnough
		}
		if !r.ActEnd {
			return nil
		}
		b.Lines, b.Acts = append(b.Lines, act...), append(b.Acts, len(act))
		size += actSize
		act, actSize = act[:0], 0
		end = place{r.Seq, r.Chain}
		return nil
	})
	b.Head = end.chain[:]
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err == nil && len(b.Lines) == 0 {
		err = fmt.Errorf("no whole act behind record %d", from.seq)
	}
	return b, end, err
}

func (s *Shipper) batchAnswered(now clock.Instant, status int, body []byte, err error, out *link.Outbox) {
	var a record.BatchAnswer
	if err == nil && (status == http.StatusOK || status == http.StatusConflict) {
		err = json.Unmarshal(body, &a)
	}
	if err != nil || status != http.StatusOK && status != http.StatusConflict || len(a.Head) != 32 {
		if json.Unmarshal(body, &s.refusal) != nil {
			s.refusal = record.Refusal{}
		}
		s.batch.failed(now, s.cfg.Rand)
		return
	}
	mark := place{a.Seq, [32]byte(a.Head)}
	s.heard, s.refusal = now, record.Refusal{}
	if ours, err := s.ours(mark); err != nil {
		s.stop(now, out, "本站日志读不出: "+err.Error(), "the own journal can not be read: "+err.Error())
		return
	} else if !ours && mark != s.doubt {
		s.doubt, s.known = mark, false // perhaps the answer was damaged on its way: ask once more
		s.batch.failed(now, s.cfg.Rand)
		return
	} else if !ours {
		s.stop(now, out,
			fmt.Sprintf("中心已有本站日志到第 %d 条, 与本站不符: 日志被换成旧备份或被改动, 已停止上传, 请按恢复手册处理", mark.seq),
			fmt.Sprintf("the center holds this site's journal up to record %d and it is not this one: restored from an old backup or altered; shipping stopped", mark.seq))
		return
	}
	moved := !s.known || mark != s.mark
	s.mark, s.known, s.doubt = mark, true, place{}
	if !moved {
		s.batch.failed(now, s.cfg.Rand) // refused without a reason to be seen: not at full speed again
		return
	}
	s.batch = call{due: clock.Never}
	s.ship(now, out)
}

// ours tells whether a place is in this journal.
func (s *Shipper) ours(p place) (bool, error) {
	head, _ := s.cfg.Source.Head()
	switch {
	case p == s.end, p == (place{}):
		return true, nil
	case p.seq == 0 || p.seq > head:
		return false, nil
	}
	var chain [32]byte
	err := s.cfg.Source.Read(p.seq, func(r journal.Record) error {
		chain = r.Chain
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		return false, fmt.Errorf("record %d: %w", p.seq, err)
	}
	return chain == p.chain, nil
}

// stop ends shipping until the next start and tells people, once.
func (s *Shipper) stop(now clock.Instant, out *link.Outbox, zh, en string) {
	s.quarantine = en
	s.batch = call{due: clock.Never}
	out.Append(record.Alarm{TimeMs: now.Milli(), Kind: "exchange-quarantine", Subject: string(s.cfg.Site), Zh: zh, En: en})
}

// Applied says that a directive is in force, at replay and later.
func (s *Shipper) Applied(d record.Directive) {
	s.applied[d.Topic] = max(s.applied[d.Topic], d.Version)
	s.handed[d.Topic] = max(s.handed[d.Topic], d.Version)
}

func (s *Shipper) directives(now clock.Instant, status int, body []byte, err error, out *link.Outbox) (good []record.DirectiveLine) {
	var a record.DirectivesAnswer
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &a) != nil {
		s.ask.failed(now, s.cfg.Rand)
		return nil
	}
	s.heard = now
	s.ask = call{due: now.Add(s.cfg.Poll)}
	newest := true
	for _, line := range a.Directives[:min(len(a.Directives), maxDirectives)] {
		d, err := line.Open(s.cfg.CenterKey)
		newest = newest && err == nil && d.Version <= s.applied[d.Topic]
		switch {
		case err != nil:
		case d.Site != s.cfg.Site:
			err = fmt.Errorf("for site %.16q", d.Site)
		case d.Realm != s.cfg.Realm:
			err = fmt.Errorf("of realm %.16q", d.Realm)
		case d.Version <= s.handed[d.Topic]:
			continue // old, or on its way into force: nothing to say
		}
		if err != nil {
			s.refuse(now, out, err)
			continue
		}
		s.handed[d.Topic], s.refused = d.Version, false
		good = append(good, line)
	}
	if newest {
		s.current = now
	}
	return good
}

func (s *Shipper) refuse(now clock.Instant, out *link.Outbox, why error) {
	if s.refused {
		return
	}
	s.refused = true
	out.Append(record.Alarm{TimeMs: now.Milli(), Kind: "directive-refused", Subject: string(s.cfg.Site),
		Zh: "收到不可信的下发数据, 未采用: " + why.Error(), En: "a directive that can not be trusted was not taken: " + why.Error()})
}

func (c *call) begin(now clock.Instant, id uint64) { c.id, c.due = id, now.Add(answerLimit) }

// failed waits twice as long each time, with jitter so that a thousand stations do not come back at once.
func (c *call) failed(now clock.Instant, rnd *rand.Rand) {
	wait := lastRetry
	if c.failures < 6 { // 2^6 s is more than a minute
		wait = firstRetry << c.failures
	}
	c.failures = min(c.failures+1, 6)
	c.id, c.due = 0, now.Add(wait/2+time.Duration(rnd.Int64N(int64(wait/2)+1)))
}

// Status is what a screen shows of the exchange.
type Status struct {
	Known      bool   // the center has said how far it is
	Watermark  uint64 // everything up to here is durable at the center
	Pending    uint64 // records behind it
	Heard      clock.Instant
	Quarantine string         // why nothing is shipped any more; empty while all is well
	Refusal    record.Refusal // the center's last word if it refused
	Failures   int            // calls in a row without success
}

// Status tells how far the exchange is.
func (s *Shipper) Status() Status {
	head, _ := s.cfg.Source.Head()
	return Status{
		Known: s.known, Watermark: s.mark.seq, Pending: head - min(head, s.mark.seq), Heard: s.heard,
		Quarantine: s.quarantine, Refusal: s.refusal, Failures: s.batch.failures,
	}
}
