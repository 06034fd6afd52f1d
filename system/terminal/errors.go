package terminal

import (
	"errors"
	"fmt"
)

// What a terminal says beside status words and the transport's errors. Callers decide on these.
var (
	// ErrUnknown: the card has gone and nobody knows whether it obeyed; its next lock proof will tell.
	ErrUnknown = errors.New("卡已离开, 结果未知: 下次插卡时按灰锁状态处理 (card gone, outcome unknown: its next lock proof decides)")
	// ErrOtherCard: the slot holds another card than the one that was being served.
	ErrOtherCard = errors.New("不是刚才那张卡 (not the card that was being served)")
	// ErrNotLocked: the card proved that the lock did not happen. The TTC is cancelled; the sale may start anew.
	ErrNotLocked = errors.New("卡未灰锁, 请重新开始 (card is not locked: start again)")
	// ErrSuspect: the PSAM refused the card's MAC2. No fuel; the card stays grey and the host decides.
	ErrSuspect = errors.New("卡的 MAC2 不正确, 不得加油 (MAC2 of the card is wrong: no fuel)")
	// ErrForeign: INTERNAL AUTHENTICATION failed, the card is not of this system.
	ErrForeign = errors.New("非本系统的卡 (not a card of this system)")
	// ErrNoGMAC: the PSAM no longer knows the lock; only the host can authorise the debit.
	ErrNoGMAC = errors.New("PSAM 已无此笔灰锁, 须联机解扣 (the PSAM has lost this lock: unlock on line)")
	// ErrPSAM: there is no usable PSAM, or another one than the log expects.
	ErrPSAM = errors.New("PSAM 不可用 (PSAM not usable)")
	// ErrTTC: the PSAM's counter does not continue the log: it went back, leapt, or is at its end.
	ErrTTC = errors.New("PSAM 交易序号与本机记录不连续 (PSAM counter does not continue the log)")
	// ErrOrder: a step was asked for without the durable step before it, or with that of another sale. It is a bug of the caller.
	ErrOrder = errors.New("步骤次序错误: 前一步未存盘 (step out of order: the step before is not durable)")
	// ErrAmount: the amount is negative or above what may be taken.
	ErrAmount = errors.New("金额超出范围 (amount out of range)")
	// ErrLoadOpen: the card's online serial has moved past the load or unload in question; its proof is gone.
	ErrLoadOpen = errors.New("该笔圈存或圈提已无凭证, 须人工核对 (no proof of this load or unload is left: a person must check)")
)

// Refusal is why a card is not served. Code is the reason of a T_TYPE 9 record; 0 where none is written.
type Refusal struct {
	Code   uint16
	Zh, En string
}

// Reason codes of a T_TYPE 9 record. Source: card.md section 13; 1001 and 1006 are our own, for what the sources leave open.
const (
	ReasonBlack       uint16 = 0x0001
	ReasonInvalid     uint16 = 0x1001 // dates, issuer, application
	ReasonProduct     uint16 = 0x1002
	ReasonDailyCount  uint16 = 0x1003
	ReasonDailyAmount uint16 = 0x1004
	ReasonPlate       uint16 = 0x1005
	ReasonRegion      uint16 = 0x1006
	ReasonVessel      uint16 = 0x1007 // gas: no vessel, inspection or life over [ours]
	ReasonNotWhite    uint16 = 0x2001
)

// Error says it in both languages.
func (r *Refusal) Error() string { return r.Zh + " (" + r.En + ")" }

// PINError is the answer to a wrong PIN.
type PINError struct {
	Left    int // tries left
	Blocked bool
}

// Error says it in both languages.
func (e *PINError) Error() string {
	if e.Blocked {
		return "密码已锁定, 请到发卡网点解锁 (PIN blocked: unblock it at an outlet)"
	}
	return fmt.Sprintf("密码错误, 还可试 %d 次 (wrong PIN, %d tries left)", e.Left, e.Left)
}
