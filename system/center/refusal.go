package center

import (
	"encoding/json"
	"fmt"
	"net/http"

	"greylock/system/wire/record"
)

// The codes of refusals. They are stable: desks and pages decide on them.
const (
	UnknownPath         = "UNKNOWN_PATH"
	TooLarge            = "TOO_LARGE"
	BadBody             = "BAD_BODY"
	BadValue            = "BAD_VALUE"
	Busy                = "BUSY"
	Internal            = "INTERNAL"
	UnknownSite         = "UNKNOWN_SITE"
	WrongKind           = "WRONG_KIND"
	WrongRealm          = "WRONG_REALM"
	BatchRefused        = "BATCH_REFUSED"
	UnknownProduct      = "UNKNOWN_PRODUCT"
	UnknownPSAM         = "UNKNOWN_PSAM"
	PSAMTaken           = "PSAM_TAKEN"
	UnknownCard         = "UNKNOWN_CARD"
	CardNotIssued       = "CARD_NOT_ISSUED"
	CardListed          = "CARD_LISTED"
	CardTaken           = "CARD_TAKEN"
	UnknownAccount      = "UNKNOWN_ACCOUNT"
	NameDiffers         = "NAME_DIFFERS"
	ReceiptDiffers      = "RECEIPT_DIFFERS"
	InsufficientAccount = "INSUFFICIENT_ACCOUNT"
	MAC1Wrong           = "MAC1_WRONG"
	TACWrong            = "TAC_WRONG"
	MAC3Wrong           = "MAC3_WRONG"
	KeyUnknown          = "KEY_UNKNOWN"
	AmountDiffers       = "AMOUNT_DIFFERS"
	LoadOpen            = "LOAD_OPEN"
	LoadUnknown         = "LOAD_UNKNOWN"
	AlreadyLoaded       = "ALREADY_LOADED"
	LoadWasVoided       = "LOAD_WAS_VOIDED"
	UnloadOpen          = "UNLOAD_OPEN"
	UnloadUnknown       = "UNLOAD_UNKNOWN"
	AlreadyUnloaded     = "ALREADY_UNLOADED"
	UnloadWasVoided     = "UNLOAD_WAS_VOIDED"
	BalanceAboveBooks   = "BALANCE_ABOVE_BOOKS"
	NoEvidence          = "NO_EVIDENCE"
	TwoPersons          = "TWO_PERSONS"
	TwoPersonsList      = "TWO_PERSONS_LIST"
	TooEarly            = "TOO_EARLY"
	LockHeld            = "LOCK_HELD"
	EvidenceOld         = "EVIDENCE_OLD"
	SequenceBack        = "SEQUENCE_WENT_BACK"
	TooManyTries        = "TOO_MANY_TRIES"
	ProofWrong          = "PROOF_WRONG"
	AlreadySettled      = "ALREADY_SETTLED"
	UnlockUnknown       = "UNLOCK_UNKNOWN"
	UnknownSale         = "UNKNOWN_SALE"
	NotInQuarantine     = "NOT_IN_QUARANTINE"
	UnknownAlarm        = "UNKNOWN_ALARM"
	AlarmTaken          = "ALARM_TAKEN"
	EffectivePast       = "EFFECTIVE_PAST"
	PricesPending       = "PRICES_PENDING"
	PriceTwoPersons     = "PRICE_TWO_PERSONS"
	UnknownProposal     = "UNKNOWN_PROPOSAL"
	ProposalDecided     = "PROPOSAL_DECIDED"
	ProposalExpired     = "PROPOSAL_EXPIRED"
)

// refusals says for each code the HTTP status and the sentence for people.
var refusals = map[string]struct {
	status int
	zh, en string
}{
	UnknownPath:         {http.StatusNotFound, "没有这个地址", "no such path"},
	TooLarge:            {http.StatusRequestEntityTooLarge, "请求过大", "the request is too large"},
	BadBody:             {http.StatusBadRequest, "请求格式不对", "the request is not the JSON document that this path takes"},
	BadValue:            {http.StatusBadRequest, "数值不合理", "a value makes no sense"},
	Busy:                {http.StatusServiceUnavailable, "中心忙, 请稍后再试", "the center is busy: try again later"},
	Internal:            {http.StatusInternalServerError, "中心内部错误", "the center failed"},
	UnknownSite:         {http.StatusForbidden, "站点未登记", "the site is not registered"},
	WrongKind:           {http.StatusForbidden, "该类站点不能做这件事", "a site of this kind may not do this"},
	WrongRealm:          {http.StatusForbidden, "教学与正式环境不能混用", "training and production do not mix"},
	BatchRefused:        {http.StatusBadRequest, "不是一段日志", "this is no piece of a journal"},
	UnknownProduct:      {http.StatusNotFound, "油品未登记", "the product is not registered"},
	UnknownPSAM:         {http.StatusNotFound, "PSAM 未登记: 制卡点的数据可能未到", "the PSAM is not registered: the card maker's journal may not have arrived"},
	PSAMTaken:           {http.StatusConflict, "PSAM 已配置在别处", "the PSAM is ordered elsewhere"},
	UnknownCard:         {http.StatusNotFound, "卡未登记: 制卡点的数据可能未到", "the card is not registered: the card maker's journal may not have arrived"},
	CardNotIssued:       {http.StatusConflict, "卡未发行", "the card is not issued"},
	CardListed:          {http.StatusForbidden, "黑名单卡: 扣卡并通知中心", "the card is on the black list: keep it and tell the center"},
	CardTaken:           {http.StatusConflict, "卡已属于另一账户", "the card belongs to another account"},
	UnknownAccount:      {http.StatusNotFound, "账户不存在", "no such account"},
	NameDiffers:         {http.StatusConflict, "账户已有别的户名", "the account has another name"},
	ReceiptDiffers:      {http.StatusConflict, "该收据号已用于另一笔充值", "this receipt number was used for another payment"},
	InsufficientAccount: {http.StatusConflict, "账户余额不足", "the account has not enough money"},
	MAC1Wrong:           {http.StatusForbidden, "卡的 MAC1 不对", "the card's MAC1 is wrong"},
	TACWrong:            {http.StatusForbidden, "卡的 TAC 不对", "the card's TAC is wrong"},
	MAC3Wrong:           {http.StatusForbidden, "卡的 MAC3 不对", "the card's MAC3 is wrong"},
	KeyUnknown:          {http.StatusConflict, "中心没有该版本的密钥", "the center has no key of this version and algorithm"},
	AmountDiffers:       {http.StatusConflict, "同一联机序号的金额不同: 请先了结上一笔", "this online number was asked for another amount: settle that first"},
	LoadOpen:            {http.StatusConflict, "上一笔圈存未了结", "the load before is not settled"},
	LoadUnknown:         {http.StatusNotFound, "没有这笔圈存", "no such load"},
	AlreadyLoaded:       {http.StatusConflict, "这笔圈存已完成", "this load is done"},
	LoadWasVoided:       {http.StatusConflict, "这笔圈存已撤销", "this load was voided"},
	UnloadOpen:          {http.StatusConflict, "上一笔圈提未了结", "the unload before is not settled"},
	UnloadUnknown:       {http.StatusNotFound, "没有这笔圈提", "no such unload"},
	AlreadyUnloaded:     {http.StatusConflict, "这笔圈提已完成", "this unload is done"},
	UnloadWasVoided:     {http.StatusConflict, "这笔圈提已撤销", "this unload was voided"},
	BalanceAboveBooks:   {http.StatusConflict, "卡余额高于账面, 不能圈提: 疑似回滚或复制", "the card has more than the books, nothing is paid out: rolled back or copied"},
	NoEvidence:          {http.StatusNotFound, "尚无这笔锁卡的加油记录", "no record of this lock has arrived"},
	TwoPersons:          {http.StatusForbidden, "强制解灰须由两人批准", "a forced unlock takes two persons"},
	TwoPersonsList:      {http.StatusForbidden, "撤销黑名单须由两人批准", "to take a card off the black list takes two persons"},
	TooEarly:            {http.StatusConflict, "锁卡未满 48 小时, 不能强制解灰", "locked less than 48 hours ago: no forced unlock yet"},
	LockHeld:            {http.StatusForbidden, "黑名单卡的灰锁: 先撤销黑名单, 不能强制解灰", "the grey hold of a listed card: take it off the black list first, no force"},
	EvidenceOld:         {http.StatusConflict, "凭据是授权那次的, 请重新初始化", "the evidence is the one of the permission: initialise again"},
	SequenceBack:        {http.StatusConflict, "卡的联机序号倒退", "the card's online number went back"},
	TooManyTries:        {http.StatusConflict, "尝试次数过多", "tried too often"},
	ProofWrong:          {http.StatusForbidden, "灰锁凭据与记录不符", "the lock proof does not match the record"},
	AlreadySettled:      {http.StatusConflict, "这笔欠款已结清", "this sale is settled"},
	UnlockUnknown:       {http.StatusNotFound, "没有这笔联机解扣", "no such online unlock"},
	UnknownSale:         {http.StatusNotFound, "没有这笔交易", "no such sale"},
	NotInQuarantine:     {http.StatusNotFound, "隔离区没有这条记录, 或已了结", "this record is not in quarantine, or it is resolved"},
	UnknownAlarm:        {http.StatusNotFound, "没有这条告警", "no such alarm"},
	AlarmTaken:          {http.StatusConflict, "这条告警已有人处理", "somebody takes care of this alarm already"},
	EffectivePast:       {http.StatusBadRequest, "生效时间不能早于现在", "the effective minute is in the past"},
	PricesPending:       {http.StatusConflict, "已有一次调价尚未生效, 请用同一生效时间, 或写出其中全部油品", "another change of prices is still to come: give its minute, or name all its products"},
	PriceTwoPersons:     {http.StatusForbidden, "调价须一人提出、另一人批准", "a change of prices takes two persons: one proposes, another approves"},
	UnknownProposal:     {http.StatusNotFound, "没有这份调价申请", "no such proposal"},
	ProposalDecided:     {http.StatusConflict, "这份调价申请已有结论", "this proposal is decided already"},
	ProposalExpired:     {http.StatusConflict, "这份调价申请已过期, 请重新提出", "this proposal has expired: propose it again"},
}

// outcome is what a handler wants: facts to be written first (none for a question that only reads), then the answer.
type outcome struct {
	facts  []record.Fact
	status int
	answer any
}

func reply(answer any, facts ...record.Fact) outcome {
	return outcome{facts: facts, status: http.StatusOK, answer: answer}
}

func refuse(code string) outcome {
	r, ok := refusals[code]
	if !ok {
		panic("center: refusal " + code + " has no sentence")
	}
	return outcome{status: r.status, answer: record.Refusal{Code: code, Zh: r.zh, En: r.en}}
}

// refuseOver is refuse with what it is about.
func refuseOver(code, format string, args ...any) outcome {
	o := refuse(code)
	r := o.answer.(record.Refusal)
	detail := fmt.Sprintf(format, args...)
	r.Zh, r.En = r.Zh+": "+detail, r.En+": "+detail
	o.answer = r
	return o
}

func bad(field string, value any) outcome { return refuseOver(BadValue, "%s = %v", field, value) }

func (o outcome) body() []byte {
	b, err := json.Marshal(o.answer)
	if err != nil {
		panic("center: answer: " + err.Error()) // our own structs always marshal
	}
	return b
}
