//go:build pcsc

package pcsc

import (
	"errors"
	"fmt"

	"github.com/ebfe/scard"

	"greylock/system/card"
)

// hint says in card's words what a PC/SC error means and what a person does next.
type hint struct {
	is   error
	next string
}

// What people are told, zh (en).
const (
	doInsert  = "请插卡 (insert the card)"
	doAgain   = "请重新插卡 (insert the card again)"
	doCable   = "读卡器已断开: 检查连线 (reader unplugged: check the cable)"
	doRestart = "读卡器服务出错: 请重新启动 pcscd, 仍出错请报告 (PC/SC failed: restart pcscd, report it if it stays)"
	doPolkit  = "无权使用读卡器: 检查 polkit 规则 access_pcsc, access_card (check the polkit rules)"
	doTurn    = "卡无应答: 检查卡片方向和触点 (card is mute: check its orientation and contacts)"
	doMemory  = "本机资源不足: 关闭其他程序 (this machine is short of memory: close other programs)"
	doReport  = "程序错误: 请报告 (a bug of this program: report it)"
	doDriver  = "读卡器驱动有误: 重新安装驱动 (driver of the reader: install it again)"
)

// hints has what a person can act on; every other error of PC/SC is a service that failed (doRestart).
var hints = map[scard.Error]hint{
	scard.ErrNoService:          {card.ErrReader, "读卡器服务未运行: 请启动 pcscd (start pcscd)"},
	scard.ErrServiceStopped:     {card.ErrReader, "读卡器服务已停止: 请重新启动 pcscd (restart pcscd)"},
	scard.ErrNoAccess:           {card.ErrReader, doPolkit},
	scard.ErrSecurityViolation:  {card.ErrReader, doPolkit},
	scard.ErrNoReadersAvailable: {card.ErrReader, "没有读卡器: 检查连线 (no reader: check the cable)"},
	scard.ErrUnknownReader:      {card.ErrReader, "没有此名称的读卡器: greylock cards readers 列出名称 (no reader of this name: greylock cards readers shows them)"},
	scard.ErrReaderUnavailable:  {card.ErrReader, doCable},
	scard.ErrSharingViolation:   {card.ErrReader, "读卡器被其他程序占用: 请关闭该程序 (reader in use: close the other program)"},
	scard.ErrInvalidHandle:      {card.ErrReader, doCable},
	scard.ErrNotReady:           {card.ErrReader, doCable},
	scard.ErrCancelled:          {card.ErrReader, "已取消 (cancelled)"},
	scard.ErrSystemCancelled:    {card.ErrReader, "系统正在关闭 (the system is shutting down)"},
	scard.ErrTimeout:            {card.ErrReader, "等待超时: 再试一次 (timed out: try again)"},
	scard.ErrNoMemory:           {card.ErrReader, doMemory},
	scard.ErrDuplicateReader:    {card.ErrReader, doDriver},
	scard.ErrPciTooSmall:        {card.ErrReader, doDriver},
	scard.ErrReaderUnsupported:  {card.ErrReader, doDriver},
	scard.ErrCardUnsupported:    {card.ErrMute, doTurn},
	scard.ErrInvalidParameter:   {card.ErrReader, doReport},
	scard.ErrInvalidTarget:      {card.ErrReader, doReport},
	scard.ErrInvalidValue:       {card.ErrReader, doReport},
	scard.ErrInsufficientBuffer: {card.ErrReader, doReport},
	scard.ErrNoSmartcard:        {card.ErrAbsent, doInsert},
	scard.ErrUnknownCard:        {card.ErrMute, doTurn},
	scard.ErrRemovedCard:        {card.ErrRemoved, doAgain},
	scard.ErrResetCard:          {card.ErrRemoved, "卡被其他程序复位: 请重新插卡 (another program reset the card: insert it again)"},
	scard.ErrNotTransacted:      {card.ErrRemoved, doAgain},
	scard.ErrCommDataLost:       {card.ErrRemoved, doAgain},
	scard.ErrUnpoweredCard:      {card.ErrMute, doTurn},
	scard.ErrUnresponsiveCard:   {card.ErrMute, doTurn},
	scard.ErrUnsupportedCard:    {card.ErrMute, doTurn},
	scard.ErrProtoMismatch:      {card.ErrMute, "卡协议不支持: 非 T=0/T=1 卡 (protocol of the card not supported)"},
	scard.ErrInvalidAtr:         {card.ErrMute, doTurn},
}

// meaning is the error of package card that a PC/SC error stands for; an error that is none stays what it is.
func meaning(err error) error {
	var code scard.Error
	if !errors.As(err, &code) {
		return err
	}
	if h, ok := hints[code]; ok {
		return h.is
	}
	return card.ErrReader
}

// explain says what was being done, what a person does next, and what it means to a program.
func explain(doing string, err error) error {
	var code scard.Error
	if !errors.As(err, &code) || card.Lost(err) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	h, ok := hints[code]
	if !ok {
		h = hint{card.ErrReader, doRestart}
	}
	return fmt.Errorf("%s: %s: %w: %w", doing, h.next, h.is, err)
}
