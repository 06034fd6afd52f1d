package serial

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	bugst "go.bug.st/serial"
)

// Code names a reason why a line is not open.
type Code string

// The reasons.
const (
	CodeNoPort     Code = "no-port"     // nothing of that name
	CodePermission Code = "permission"  // this user may not open it
	CodeBusy       Code = "busy"        // another program has it
	CodeLock       Code = "lock-file"   // its lock file can not be made
	CodeNoSerial   Code = "no-serial"   // not a serial port, or a setting that it does not know
	CodeHangUp     Code = "hang-up"     // it was open and went away
	CodeStuck      Code = "stuck"       // it takes no bytes
	CodeDescriptor Code = "descriptors" // too many files are open
	CodeClosed     Code = "closed"      // the line was closed by its owner
	CodeOther      Code = "other"
)

// Error says what is wrong with which port and what to do next, for people.
type Error struct {
	Code           Code
	Path           string
	Zh, En         string // what happened
	NextZh, NextEn string // the next step
	Err            error
}

// Error is what, where, next step, in English.
func (e *Error) Error() string {
	return fmt.Sprintf("serial port %s: %s: %s (%v)", e.Path, e.En, e.NextEn, e.Err)
}

// Chinese is what, where, next step, in Chinese.
func (e *Error) Chinese() string {
	return fmt.Sprintf("串口 %s: %s。%s", e.Path, e.Zh, e.NextZh)
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// words are what people are told for each reason.
var words = map[Code][4]string{
	CodeNoPort: {"没有这个串口", "no such port",
		"请检查集线器电源、连线和配置中的端口名", "check the hub's power, its cable and the port's name in the configuration"},
	CodePermission: {"没有权限打开", "this user may not open it",
		"请把运行用户加入 dialout 组后重新登录", "add the user of this program to the group dialout and log in again"},
	CodeBusy: {"串口被其他程序占用", "another program has the port",
		"请先停止占用该串口的程序", "stop the program that has it open"},
	CodeLock: {"无法建立锁文件", "its lock file can not be made",
		"请检查配置中的锁文件目录是否存在且可写", "check that the lock directory of the configuration exists and may be written"},
	CodeNoSerial: {"不是串口或不支持该设置", "not a serial port, or a setting that it does not know",
		"请检查配置中的端口名、波特率和校验位", "check the port's name, baud rate and parity in the configuration"},
	CodeHangUp: {"串口断开", "the port has gone",
		"将自动重连; 请检查集线器电源和连线", "it is opened again by itself; check the hub's power and its cable"},
	CodeStuck: {"串口发不出数据", "the port takes no bytes",
		"请检查流控线和设备", "check the device and the flow control wires"},
	CodeDescriptor: {"打开的文件过多", "too many files are open",
		"请减少同时打开的文件后重启本程序", "open the ports before other files, then start the program again"},
	CodeClosed: {"串口已关闭", "the line was closed",
		"无需处理", "nothing to do"},
	CodeOther: {"串口错误", "the port failed",
		"将自动重试", "it is tried again by itself"},
}

// Errors of the lock file of a port.
var (
	errLocked   = errors.New("locked")
	errLockFile = errors.New("lock file")
)

// explain makes an Error of whatever ended a session.
func explain(path string, err error) *Error {
	code := classify(err)
	w := words[code]
	return &Error{code, path, w[0], w[1], w[2], w[3], err}
}

func classify(err error) Code {
	var descriptor descriptorError
	var port *bugst.PortError
	switch {
	case errors.Is(err, errStopped):
		return CodeClosed
	case errors.Is(err, errStuck):
		return CodeStuck
	case errors.As(err, &descriptor):
		return CodeDescriptor
	case errors.Is(err, errLocked), errors.Is(err, syscall.EBUSY):
		return CodeBusy
	case errors.Is(err, errLockFile):
		return CodeLock
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENODEV):
		return CodeNoPort
	case errors.Is(err, fs.ErrPermission):
		return CodePermission
	case errors.Is(err, syscall.EIO):
		return CodeHangUp
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return CodeDescriptor
	case errors.As(err, &port):
		return ofLibrary(port.Code())
	}
	return CodeOther
}

// ofLibrary maps the library's own codes.
func ofLibrary(code bugst.PortErrorCode) Code {
	switch code {
	case bugst.PortBusy:
		return CodeBusy
	case bugst.PortNotFound:
		return CodeNoPort
	case bugst.PermissionDenied:
		return CodePermission
	case bugst.PortClosed:
		return CodeHangUp
	case bugst.InvalidSerialPort, bugst.InvalidSpeed, bugst.InvalidDataBits, bugst.InvalidParity, bugst.InvalidStopBits:
		return CodeNoSerial
	}
	return CodeOther
}
