package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/system/app"
)

// manager is the service manager that has started this program, if one did.
func manager() app.Service {
	s := app.Service{Socket: os.Getenv("NOTIFY_SOCKET")}
	if us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && us > 0 {
		if pid := os.Getenv("WATCHDOG_PID"); pid == "" || pid == strconv.Itoa(os.Getpid()) {
			s.Watchdog = time.Duration(us) * time.Microsecond
		}
	}
	return s
}

// service prints the unit of a role's program.
func (e *env) service(role config.Role, path *string) *cobra.Command {
	user, program := "", ""
	c := &cobra.Command{Use: "service", Short: "打印 systemd 服务单元 (print a systemd unit)", Args: cobra.NoArgs,
		Long: "按配置打印服务单元: 看门狗, 一秒后自动重启, 专用账户, 只写数据目录。\n" +
			"greylock " + string(role) + " service --config FILE > /etc/systemd/system/greylock-" + string(role) + ".service; systemctl enable --now greylock-" + string(role) + "\n" +
			"A unit after the configuration: watchdog, started again after one second, a user of its own, writes to its data alone.",
		RunE: func(*cobra.Command, []string) error { return e.printUnit(role, *path, user, program) }}
	c.Flags().StringVar(&user, "user", "greylock", "运行账户 (user)")
	c.Flags().StringVar(&program, "program", "", "程序路径, 缺省为本程序 (path of the program)")
	return c
}

func (e *env) printUnit(role config.Role, path, user, program string) error {
	c, err := load(path, role)
	if err != nil {
		return err
	}
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return err
		}
	}
	if user == "" || strings.Trim(user, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return cli.Usagef("--user %q: 应为小写字母、数字 (want lower-case letters and digits)", user)
	}
	for _, p := range []*string{&path, &program, &c.Data, &c.Log.File} {
		if *p != "" {
			if *p, err = filepath.Abs(*p); err != nil {
				return err
			}
		}
		if strings.ContainsAny(*p, " \t\n\"'\\%$") {
			return cli.Usagef("%q: 服务单元中的路径不能有空格、引号、%% 或 $ (no such characters in a unit's paths)", *p)
		}
	}
	unit := unitText(role, c, path, user, program)
	return e.Print(map[string]string{"unit": unit}, func(w io.Writer) { fmt.Fprint(w, unit) })
}

// watchdog is how long a program may not be heard; ours: a disk that stalls for less is waited for.
const watchdog = 20 * time.Second

// darkness is what the manager does when a station has ended for want of mains: it does not start it again, and shuts the machine down
// before the UPS takes the power away. $$ is a $ for the shell.
func darkness(role config.Role, c config.Config) string {
	if role != config.RoleStation || c.Station.UPS.Path == "" {
		return ""
	}
	return fmt.Sprintf("RestartPreventExitStatus=%[1]d\nSuccessExitStatus=%[1]d\nExecStopPost=+/bin/sh -c 'if [ \"$$EXIT_STATUS\" = %[1]d ]; then systemctl poweroff; fi'\n", cli.Ended)
}

// unitText is the unit. Restart has no limit: a station that can not start yet (a disk that is not mounted, a clock that is not set)
// starts as soon as it can. ProtectClock is left out: it allows no device but clocks, and a station has serial ports. The data directory
// is there before the sandbox is: what may be written must exist.
func unitText(role config.Role, c config.Config, path, user, program string) string {
	after, groups, writes := "network.target time-sync.target", "", []string{c.Data}
	if role == config.RoleStation {
		groups = "SupplementaryGroups=dialout"
		writes = append(writes, c.Station.Locks)
		if len(c.Station.Tills) > 0 {
			after, groups = after+" pcscd.socket", groups+" pcscd"
		}
		groups += "\n"
	}
	if c.Log.File != "" {
		writes = append(writes, filepath.Dir(c.Log.File))
	}
	return fmt.Sprintf(`[Unit]
Description=greylock %s %s
After=%s
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStartPre=+/usr/bin/install -d -m 700 -o %s %s
ExecStart=%s %s --config %s
Restart=always
RestartSec=1
WatchdogSec=%d
TimeoutStopSec=15
%sUser=%s
%sUMask=0077
LimitCORE=0
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=%s
ProtectHome=read-only
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
`, role, c.Site.ID, after, user, c.Data, program, role, path, int(watchdog/time.Second), darkness(role, c), user, groups, strings.Join(writes, " "))
}
