package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"greylock/system/center"
	"greylock/system/station"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// ListActs is what the center does to the lists, and what a station shows of them.
type ListActs interface {
	// List puts cards of the town on a list.
	List(list record.Topic, reason string, cards ...string) error
	// Unlist takes a card off a list; two persons do it.
	Unlist(list record.Topic, card string, by [2]string, reason string) error
	// ListStrangers puts so many cards of other companies on the black list.
	ListStrangers(n int) error
	// Lists is what a station shows.
	Lists(site record.SiteID) (station.ListsStatus, error)
}

// ListFaults is what befalls lists on their way.
type ListFaults interface {
	// AlterDirective changes one digit of the next directives on their way to a site, so many times.
	AlterDirective(site record.SiteID, times int) error
}

// lists is the station's policy about old lists.
func (s StationPlan) lists() station.ListPolicy {
	return station.ListPolicy{Refuse: time.Duration(s.RefuseSeconds) * time.Second}
}

// policy is that of a station of the scenario.
func (w *World) policy(id record.SiteID) station.ListPolicy {
	for _, p := range w.scenario.Stations {
		if record.SiteID(p.ID) == id {
			return p.lists()
		}
	}
	return station.ListPolicy{}
}

// listClerk keeps the lists at the center.
const listClerk = "名单员 3001"

// List puts cards on a list.
func (w *World) List(list record.Topic, reason string, cards ...string) error {
	q := center.PutList{List: list, Reason: reason, By: listClerk}
	for _, name := range cards {
		p, err := w.card(name)
		if err != nil {
			return err
		}
		q.Add = append(q.Add, p.asn)
	}
	return w.putList(q)
}

// Unlist takes a card off a list.
func (w *World) Unlist(list record.Topic, name string, by [2]string, reason string) error {
	p, err := w.card(name)
	if err != nil {
		return err
	}
	return w.putList(center.PutList{List: list, Remove: []pboc.ASN{p.asn}, Reason: reason, By: by[0], Second: by[1]})
}

func (w *World) putList(q center.PutList) error {
	a, err := answer[center.ListPut](w, center.PathPutList, q)
	if err == nil && a.Changed == 0 {
		err = fmt.Errorf("名单没有变化 (the list has not changed): %+v", a)
	}
	return err
}

// ListStrangers puts cards of another company on the black list: every seventh number of its issue.
func (w *World) ListStrangers(n int) error {
	const most = 2000 // cards of one act
	for from := 0; from < n; from += most {
		q := center.PutList{List: record.TopicBlack, Foreign: true, Reason: "全国名单", By: listClerk}
		for i := from; i < min(n, from+most); i++ {
			a, err := pboc.ParseASN(fmt.Sprintf("0100019900%010d", 7*i))
			if err != nil {
				return err
			}
			q.Add = append(q.Add, a)
		}
		if err := w.putList(q); err != nil {
			return err
		}
	}
	return nil
}

// Lists asks a station for its lists.
func (w *World) Lists(id record.SiteID) (s station.ListsStatus, err error) {
	status, text, err := w.Command(id, station.PathLists, struct{}{})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", station.PathLists, status, text)
	}
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

func (f faults) AlterDirective(id record.SiteID, times int) error {
	if f.w.alter == nil {
		f.w.alter = map[record.SiteID]int{}
	}
	f.w.alter[id] = times
	return nil
}

// altered is an answer of the center as it reaches a site: one digit of a directive may have been changed.
func (w *World) altered(id record.SiteID, path string, body []byte) []byte {
	at := bytes.Index(body, []byte(`list_version\":`))
	if w.alter[id] == 0 || path != record.PathDirectives || at < 0 {
		return body
	}
	w.alter[id]--
	w.happened("directive altered")
	body = bytes.Clone(body)
	digit := at + len(`list_version\":`)
	body[digit] = '1' + (body[digit]-'0')%9
	return body
}
