package record

// The types of fact, in one place: the word in the journal and the struct behind it.
var table = map[string]func([]byte) (Fact, error){
	ShiftOpened{}.FactType():   reader[ShiftOpened](),
	ShiftClosed{}.FactType():   reader[ShiftClosed](),
	ShiftReported{}.FactType(): reader[ShiftReported](),
	CashDropped{}.FactType():   reader[CashDropped](),
	ShiftDuty{}.FactType():     reader[ShiftDuty](),
	DayClosed{}.FactType():     reader[DayClosed](),
	MonthClosed{}.FactType():   reader[MonthClosed](),

	SiteOpened{}.FactType():         reader[SiteOpened](),
	QuarantineResolved{}.FactType(): reader[QuarantineResolved](),
	Alarm{}.FactType():              reader[Alarm](),
	AlarmAcknowledged{}.FactType():  reader[AlarmAcknowledged](),
	CeremonyHeld{}.FactType():       reader[CeremonyHeld](),
	CeremonyRefused{}.FactType():    reader[CeremonyRefused](),
	VaultExported{}.FactType():      reader[VaultExported](),
	CardBegun{}.FactType():          reader[CardBegun](),
	CardMade{}.FactType():           reader[CardMade](),
	CardScrapped{}.FactType():       reader[CardScrapped](),
	PSAMBegun{}.FactType():          reader[PSAMBegun](),
	PSAMMade{}.FactType():           reader[PSAMMade](),
	AccountOpened{}.FactType():      reader[AccountOpened](),
	CardIssued{}.FactType():         reader[CardIssued](),
	AccountToppedUp{}.FactType():    reader[AccountToppedUp](),
	LoadBegun{}.FactType():          reader[LoadBegun](),
	LoadEnded{}.FactType():          reader[LoadEnded](),
	LoadAuthorised{}.FactType():     reader[LoadAuthorised](),
	LoadPosted{}.FactType():         reader[LoadPosted](),
	LoadVoided{}.FactType():         reader[LoadVoided](),
	UnloadBegun{}.FactType():        reader[UnloadBegun](),
	UnloadEnded{}.FactType():        reader[UnloadEnded](),
	UnloadAuthorised{}.FactType():   reader[UnloadAuthorised](),
	UnloadPosted{}.FactType():       reader[UnloadPosted](),
	UnloadVoided{}.FactType():       reader[UnloadVoided](),
	ActBegun{}.FactType():           reader[ActBegun](),
	ActEnded{}.FactType():           reader[ActEnded](),
	ActPermitted{}.FactType():       reader[ActPermitted](),
	ProofSeen{}.FactType():          reader[ProofSeen](),
	DispenserRecord{}.FactType():    reader[DispenserRecord](),
	RecordConflict{}.FactType():     reader[RecordConflict](),
	RecordRefused{}.FactType():      reader[RecordRefused](),
	GapClosed{}.FactType():          reader[GapClosed](),
	TotalsRead{}.FactType():         reader[TotalsRead](),
	ListChanged{}.FactType():        reader[ListChanged](),
	ListConfirmed{}.FactType():      reader[ListConfirmed](),
	DirectiveApplied{}.FactType():   reader[DirectiveApplied](),
	BatchTaken{}.FactType():         reader[BatchTaken](),
	SitePut{}.FactType():            reader[SitePut](),
	ProductPut{}.FactType():         reader[ProductPut](),
	DirectiveIssued{}.FactType():    reader[DirectiveIssued](),
	SalePosted{}.FactType():         reader[SalePosted](),
	SaleQuarantined{}.FactType():    reader[SaleQuarantined](),
	UnlockAuthorised{}.FactType():   reader[UnlockAuthorised](),
	UnlockPosted{}.FactType():       reader[UnlockPosted](),
	PlainAuthorised{}.FactType():    reader[PlainAuthorised](),
	PlainSold{}.FactType():          reader[PlainSold](),
	PlainMetered{}.FactType():       reader[PlainMetered](),
	NozzleLocked{}.FactType():       reader[NozzleLocked](),
	NozzleUnlocked{}.FactType():     reader[NozzleUnlocked](),
	EmergencyStopped{}.FactType():   reader[EmergencyStopped](),
	EmergencyEnded{}.FactType():     reader[EmergencyEnded](),
	PumpFed{}.FactType():            reader[PumpFed](),
	NozzleCommissioned{}.FactType(): reader[NozzleCommissioned](),
	TillStep{}.FactType():           reader[TillStep](),
	PriceAcknowledged{}.FactType():  reader[PriceAcknowledged](),
	TestReturned{}.FactType():       reader[TestReturned](),
	PriceProposed{}.FactType():      reader[PriceProposed](),
	PriceDecided{}.FactType():       reader[PriceDecided](),
	NozzleShut{}.FactType():         reader[NozzleShut](),
	NozzleFreed{}.FactType():        reader[NozzleFreed](),
	TankDip{}.FactType():            reader[TankDip](),
	DeliveryOpened{}.FactType():     reader[DeliveryOpened](),
	DeliveryClosed{}.FactType():     reader[DeliveryClosed](),
	DeliveryNoted{}.FactType():      reader[DeliveryNoted](),
	StationPower{}.FactType():       reader[StationPower](),
}

// FactType is the word in the journal.
func (SiteOpened) FactType() string       { return "site.opened" }
func (CeremonyHeld) FactType() string     { return "keys.ceremony" }
func (CeremonyRefused) FactType() string  { return "keys.refused" }
func (VaultExported) FactType() string    { return "keys.exported" }
func (CardBegun) FactType() string        { return "card.begun" }
func (CardMade) FactType() string         { return "card.made" }
func (CardScrapped) FactType() string     { return "card.scrapped" }
func (PSAMBegun) FactType() string        { return "psam.begun" }
func (PSAMMade) FactType() string         { return "psam.made" }
func (AccountOpened) FactType() string    { return "account.opened" }
func (CardIssued) FactType() string       { return "card.issued" }
func (AccountToppedUp) FactType() string  { return "account.topped-up" }
func (LoadBegun) FactType() string        { return "load.begun" }
func (LoadEnded) FactType() string        { return "load.ended" }
func (LoadAuthorised) FactType() string   { return "load.authorised" }
func (LoadPosted) FactType() string       { return "load.posted" }
func (LoadVoided) FactType() string       { return "load.voided" }
func (UnloadBegun) FactType() string      { return "unload.begun" }
func (UnloadEnded) FactType() string      { return "unload.ended" }
func (UnloadAuthorised) FactType() string { return "unload.authorised" }
func (UnloadPosted) FactType() string     { return "unload.posted" }
func (UnloadVoided) FactType() string     { return "unload.voided" }
func (ActBegun) FactType() string         { return "act.begun" }
func (ActEnded) FactType() string         { return "act.ended" }
func (ActPermitted) FactType() string     { return "act.permitted" }
func (ProofSeen) FactType() string        { return "proof.seen" }
func (DispenserRecord) FactType() string  { return "dispenser.record" }
func (RecordConflict) FactType() string   { return "dispenser.conflict" }
func (RecordRefused) FactType() string    { return "dispenser.refused" }
func (GapClosed) FactType() string        { return "dispenser.gap-closed" }
func (TotalsRead) FactType() string       { return "dispenser.totals" }
func (ListChanged) FactType() string      { return "list.changed" }
func (ListConfirmed) FactType() string    { return "list.confirmed" }
func (DirectiveApplied) FactType() string { return "directive.applied" }
func (BatchTaken) FactType() string       { return "batch.taken" }
func (SitePut) FactType() string          { return "site.put" }
func (ProductPut) FactType() string       { return "product.put" }
func (DirectiveIssued) FactType() string  { return "directive.issued" }
func (SalePosted) FactType() string       { return "sale.posted" }
func (SaleQuarantined) FactType() string  { return "sale.quarantined" }
func (UnlockAuthorised) FactType() string { return "unlock.authorised" }
func (UnlockPosted) FactType() string     { return "unlock.posted" }
