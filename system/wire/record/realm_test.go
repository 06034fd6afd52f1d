package record_test

import (
	"testing"

	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

func TestRealmMarksKeepApart(t *testing.T) {
	t.Parallel()
	for _, r := range []record.Realm{record.Training, record.Production} {
		other := map[record.Realm]record.Realm{record.Training: record.Production, record.Production: record.Training}[r]
		issuer, tid := r.Issuer(0x44), pboc.TID{r.TIDPrefix(), 0x44}
		if !r.Valid() || !r.OwnsIssuer(issuer) || !r.OwnsTID(tid) {
			t.Errorf("%s refuses its own: %s %s", r, issuer, tid)
		}
		if other.OwnsIssuer(issuer) || other.OwnsTID(tid) {
			t.Errorf("%s takes what %s made: %s %s", other, r, issuer, tid)
		}
	}
	if record.Realm("test").Valid() {
		t.Error("a third realm")
	}
}
