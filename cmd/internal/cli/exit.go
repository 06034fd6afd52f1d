// Package cli is what both programs share on the command line: exit codes, errors that say what to do next, language, JSON,
// tables, hidden input.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"

	"greylock/cmd/internal/config"
	"greylock/system/app"
	"greylock/system/card"
	"greylock/system/card/pcsc"
	"greylock/system/exchange/backup"
	"greylock/system/exchange/cert"
	"greylock/system/issuing"
	"greylock/system/journal"
	"greylock/system/keymgmt"
	"greylock/system/link/serial"
	"greylock/system/terminal"
	"greylock/system/vault"
	"greylock/system/wire/record"
)

// Exit is a program's exit code. Source: ux.md OP-02.
type Exit int

// The exit codes; there are no others.
const (
	OK          Exit = 0
	Failed      Exit = 1
	Usage       Exit = 2
	Config      Exit = 3
	Device      Exit = 4
	Integrity   Exit = 5
	Permission  Exit = 6
	Peer        Exit = 7
	Ended       Exit = 8
	Interrupted Exit = 130
)

// ExitCodes is the text of `help exit-codes`.
const ExitCodes = `退出码 (exit codes)

  0    成功                          ok
  1    失败                          failed
  2    用法错误                      usage
  3    配置有误                      configuration
  4    设备、串口、读卡器、端口      device, port, reader
  5    数据完整性                    data integrity
  6    不允许                        not permitted
  7    对端不可达                    peer unreachable
  8    停电, 已自行正常结束          no mains: ended by itself, cleanly
  130  被中断                        interrupted
`

// Error is an error for people: a code to look up, what happened, what to do next; Chinese first. The code's first digit is
// that of the exit code.
type Error struct {
	Exit   Exit   `json:"exit"`
	Code   string `json:"code"`
	Zh     string `json:"zh"`
	En     string `json:"en"`
	NextZh string `json:"next_zh"`
	NextEn string `json:"next_en"`
	Detail string `json:"detail,omitempty"`
	Err    error  `json:"-"`
}

// Error is what happened, in both languages, with the detail.
func (e *Error) Error() string {
	s := e.Code + " " + e.Zh + " (" + e.En + ")"
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Usagef is a mistake in arguments.
func Usagef(format string, args ...any) error {
	e := usage
	e.Detail = fmt.Sprintf(format, args...)
	return &e
}

var usage = Error{Exit: Usage, Code: "E201", Zh: "用法错误", En: "usage", NextZh: "加 --help 查看用法", NextEn: "add --help"}

// class tells which errors are of a kind, and what people are told.
type class struct {
	is func(error) bool
	Error
}

func is(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// classes are asked in order; what none knows has failed (E101). One place decides on every exit code.
var classes = []class{
	{is(context.Canceled), Error{Exit: Interrupted, Code: "E130", Zh: "被中断", En: "interrupted", NextZh: "再次运行即可", NextEn: "run it again"}},
	{is(app.ErrEnded), Error{Exit: Ended, Code: "E801", Zh: "停电, 已自行正常结束", En: "no mains: ended by itself, cleanly",
		NextZh: "不要立即重启; 关机, 来电后再启动, 未完的会续办", NextEn: "do not start it again at once; shut the machine down, what is open goes on when the mains are back"}},
	{is(config.ErrConfig), Error{Exit: Config, Code: "E301", Zh: "配置有误", En: "configuration",
		NextZh: "greylock config check 文件 一次列出全部问题", NextEn: "greylock config check FILE lists all problems"}},
	{is(journal.ErrLocked), Error{Exit: Device, Code: "E405", Zh: "数据目录正被另一个程序使用", En: "the data directory is in use",
		NextZh: "停止另一个程序, 或换一个数据目录", NextEn: "stop the other program, or use another data directory"}},
	{is(journal.ErrDamaged, vault.ErrDamaged, keymgmt.ErrMissing, keymgmt.ErrForeign), Error{Exit: Integrity, Code: "E501", Zh: "数据完整性有误", En: "data integrity",
		NextZh: "不要改动该目录; 保留副本, 从备份恢复, 并报告", NextEn: "do not touch the directory; keep a copy, restore from backup, report it"}},
	{is(journal.ErrVersion), Error{Exit: Integrity, Code: "E502", Zh: "数据由另一版本写成", En: "written by another version",
		NextZh: "用写它的版本打开", NextEn: "open it with the version that wrote it"}},
	{is(app.ErrNoKeyRoom, keymgmt.ErrNotHeld), Error{Exit: Config, Code: "E303", Zh: "此处没有密钥", En: "no keys here",
		NextZh: "检查 --dir; 尚未生成则先 greylock keys ceremony", NextEn: "check --dir; if none were made yet: greylock keys ceremony"}},
	{is(app.ErrClock), Error{Exit: Device, Code: "E442", Zh: "时钟不可信, 站未启动", En: "the clock can not be true; the station did not start",
		NextZh: "校时后再启动; greylock doctor 显示时钟与日志", NextEn: "set the clock, then start; greylock doctor shows clock and journal"}},
	{is(app.ErrKey), Error{Exit: Permission, Code: "E608", Zh: "中心的公钥不符, 站未启动", En: "another center's key; the station did not start",
		NextZh: "检查 station.center_key 与 data 是否属于同一中心", NextEn: "check that station.center_key and data are of one center"}},
	{is(app.ErrPortMap), Error{Exit: Config, Code: "E342", Zh: "端口与布局不符, 站未启动", En: "ports and layout do not fit; the station did not start",
		NextZh: "改正 station.ports; greylock station ports 列出端口", NextEn: "correct station.ports; greylock station ports lists them"}},
	{is(app.ErrSetting, cert.ErrFiles, vault.ErrOpen, vault.ErrTestKeys, vault.ErrCost), Error{Exit: Config, Code: "E302", Zh: "设置与文件不符", En: "settings and files do not fit",
		NextZh: "检查 data, vault, secret 与 site 是否属于同一站点", NextEn: "check that data, vault, secret and site belong together"}},
	{is(keymgmt.ErrHeld), Error{Exit: Permission, Code: "E604", Zh: "密钥已产生", En: "the keys were made",
		NextZh: "无需也不能再次生成; greylock keys list 列出校验值", NextEn: "nothing is to be made again; greylock keys list shows the check values"}},
	{as[keymgmt.Refused], Error{Exit: Permission, Code: "E601", Zh: "不允许", En: "not permitted",
		NextZh: "按说明由两位保管员重新进行", NextEn: "the two custodians begin again as told"}},
	{as[keymgmt.Wait], Error{Exit: Permission, Code: "E602", Zh: "暂不允许", En: "not permitted for a while",
		NextZh: "等到所示时间", NextEn: "wait until the time shown"}},
	{is(vault.ErrPurpose, fs.ErrPermission), Error{Exit: Permission, Code: "E603", Zh: "不允许", En: "not permitted",
		NextZh: "检查用途与权限", NextEn: "check purpose and permissions"}},
	{as[*terminal.PINError], Error{Exit: Permission, Code: "E607", Zh: "密码不对或已锁定", En: "wrong or blocked PIN",
		NextZh: "重新输入; 已锁定的由主管解锁: greylock issue pin unblock", NextEn: "key it again; a supervisor unblocks it: greylock issue pin unblock"}},
	{is(issuing.ErrBlocked, issuing.ErrGrey, issuing.ErrRealm, terminal.ErrForeign, terminal.ErrDead), Error{Exit: Permission, Code: "E605", Zh: "此卡现在不能办理", En: "not with this card now",
		NextZh: "按所示原因先解锁、解灰或换卡", NextEn: "unblock it, unlock it or take another card, as told"}},
	{is(pcsc.ErrBuild, card.ErrReader), Error{Exit: Device, Code: "E401", Zh: "读卡器不可用", En: "no reader",
		NextZh: "检查读卡器与安装包", NextEn: "check reader and package"}},
	{card.Lost, Error{Exit: Device, Code: "E402", Zh: "卡未就绪", En: "card not ready",
		NextZh: "放好卡后再次运行; 未了结的会先了结", NextEn: "put the card on the reader and run again; what is open is settled first"}},
	{is(app.ErrListen, syscall.EADDRINUSE), Error{Exit: Device, Code: "E403", Zh: "地址不可用", En: "address not available",
		NextZh: "停止占用者, 或改 operator / listen", NextEn: "stop who has it, or change operator / listen"}},
	{as[*serial.Error], Error{Exit: Device, Code: "E404", Zh: "串口不可用", En: "serial port not available",
		NextZh: "检查端口名、权限与占用", NextEn: "check the port's name, permission and user"}},
	{is(syscall.ENOSPC, syscall.EDQUOT, journal.ErrFull, journal.ErrNoSpace), Error{Exit: Device, Code: "E406", Zh: "磁盘已满", En: "the disk is full",
		NextZh: "腾出空间后重新启动; 已确认的记录都在", NextEn: "make room and start again; everything acknowledged is there"}},
	{is(syscall.EIO, syscall.EROFS), Error{Exit: Device, Code: "E407", Zh: "磁盘出错", En: "the disk fails",
		NextZh: "检查磁盘与挂载方式后重新启动", NextEn: "check the disk and how it is mounted, then start again"}},
	{is(backup.ErrBackup), Error{Exit: Integrity, Code: "E503", Zh: "备份不能使用", En: "the backup can not be used",
		NextZh: "用另一份备份; 什么都没有恢复", NextEn: "use another backup; nothing was restored"}},
	{is(backup.ErrOlder, backup.ErrFork), Error{Exit: Integrity, Code: "E504", Zh: "备份与中心不符, 没有恢复", En: "backup and center do not fit; nothing was restored",
		NextZh: "用较新的备份, 或 greylock restore --from-center 由中心重建", NextEn: "use a newer backup, or build it from the center: greylock restore --from-center"}},
	{is(backup.ErrNothing), Error{Exit: Failed, Code: "E110", Zh: "中心没有这个站点的记录", En: "the center has no record of this site",
		NextZh: "检查 --site 与中心的数据目录", NextEn: "check --site and the center's data directory"}},
	{is(fs.ErrExist), Error{Exit: Failed, Code: "E104", Zh: "文件已存在, 不覆盖", En: "the file is there; it is not overwritten",
		NextZh: "换一个文件名", NextEn: "give another name"}},
	{is(fs.ErrNotExist, syscall.ENOTDIR, syscall.EISDIR), Error{Exit: Failed, Code: "E103", Zh: "没有这个文件或目录", En: "no such file or directory",
		NextZh: "检查路径", NextEn: "check the path"}},
	{is(cert.ErrUntrusted), Error{Exit: Peer, Code: "E703", Zh: "对端的证书不可信", En: "the peer's certificate is not trusted",
		NextZh: "检查 tls.ca 是否本公司的, 以及地址是否本公司的中心", NextEn: "check that tls.ca is your company's and the address your center's"}},
	{is(cert.ErrExpired), Error{Exit: Peer, Code: "E704", Zh: "证书过期或尚未生效", En: "a certificate has expired or is not valid yet",
		NextZh: "先核对两边的时钟; 过期的以 greylock center certificate --renew 另签", NextEn: "check both clocks; greylock center certificate --renew makes another"}},
	{is(cert.ErrRefused), Error{Exit: Peer, Code: "E705", Zh: "对端拒绝本站的证书", En: "the peer refuses this site's certificate",
		NextZh: "检查 tls.cert 是否过期、是否同一机构签发; greylock doctor 显示有效期", NextEn: "check tls.cert's end and authority; greylock doctor shows them"}},
	{is(cert.ErrPlain), Error{Exit: Peer, Code: "E706", Zh: "对端不用 TLS", En: "the peer speaks no TLS",
		NextZh: "在中心设置 center.tls; 本机或教学可用 http://", NextEn: "set center.tls at the center; http:// is for this machine or training"}},
	{is(cert.ErrTLS), Error{Exit: Peer, Code: "E707", Zh: "对端只用 TLS", En: "the peer speaks TLS alone",
		NextZh: "地址改为 https:// 并给出 tls.ca, tls.cert, tls.key", NextEn: "use https:// and give tls.ca, tls.cert, tls.key"}},
	{unreachable, Error{Exit: Peer, Code: "E701", Zh: "对端不可达", En: "peer unreachable",
		NextZh: "检查 --addr 与对方程序是否运行", NextEn: "check --addr and whether the other program runs"}},
}

func unreachable(err error) bool {
	var op *net.OpError
	var u *url.Error
	return errors.As(err, &op) || errors.As(err, &u) || errors.Is(err, context.DeadlineExceeded)
}

// Explain makes an error one for people.
func Explain(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var r record.Refusal
	if errors.As(err, &r) {
		return &Error{Exit: Failed, Code: r.Code, Zh: r.Zh, En: r.En, NextZh: "按所示原因处理", NextEn: "act on the reason shown", Err: err}
	}
	for _, c := range classes {
		if c.is(err) {
			e := c.Error
			e.Detail, e.Err = err.Error(), err
			return &e
		}
	}
	return &Error{Exit: Failed, Code: "E101", Zh: "失败", En: "failed", NextZh: "按所示原因处理", NextEn: "act on the reason shown", Detail: err.Error(), Err: err}
}

// Report prints an error for people, or as JSON for programs, and returns the exit code.
func Report(w io.Writer, err error, asJSON bool) Exit {
	if err == nil {
		return OK
	}
	e := Explain(err)
	if asJSON {
		if line, err := json.Marshal(e); err == nil {
			fmt.Fprintf(w, "%s\n", line)
		}
		return e.Exit
	}
	fmt.Fprintf(w, "%s %s (%s)\n", e.Code, e.Zh, e.En)
	if e.Detail != "" {
		fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(e.Detail, "\n", "\n  "))
	}
	fmt.Fprintf(w, "  下一步: %s (next: %s)\n", e.NextZh, e.NextEn)
	return e.Exit
}
