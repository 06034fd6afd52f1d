//go:build browser

package panel

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// chromium is a real browser, driven by the DevTools protocol over a pipe: JSON messages that end with a zero byte, the
// browser reads its descriptor 3 and writes its descriptor 4. Source: chromium --remote-debugging-pipe.
type chromium struct {
	t     *testing.T
	to    *os.File
	mu    sync.Mutex
	last  int
	calls map[int]chan reply
	tabs  map[string]*tab // by session
}

type reply struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Session string          `json:"sessionId"`
}

// startChromium starts the browser; it ends with the test.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("apt-get install chromium: ", err)
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe",
		"--disable-background-networking", "--disable-component-update", "--user-data-dir="+t.TempDir(), "about:blank")
	run.ExtraFiles = []*os.File{theirs, out}
	if err := errors.Join(run.Start(), theirs.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	c := &chromium{t: t, to: ours, calls: map[int]chan reply{}, tabs: map[string]*tab{}}
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.read(in)
	}()
	t.Cleanup(func() {
		c.call("", "Browser.close", nil)
		_ = run.Wait() // its exit code says nothing about the page
		<-read
		_, _ = ours.Close(), in.Close()
	})
	return c
}

// read hands answers to who waits and events to their tab, until the browser has ended.
func (c *chromium) read(in *os.File) {
	for r := bufio.NewReader(in); ; {
		line, err := r.ReadBytes(0)
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, ch := range c.calls {
				close(ch)
			}
			c.calls = nil
			return
		}
		var m reply
		if json.Unmarshal(line[:len(line)-1], &m) != nil {
			continue
		}
		c.mu.Lock()
		if ch := c.calls[m.ID]; ch != nil {
			ch <- m
			delete(c.calls, m.ID)
		} else if x := c.tabs[m.Session]; x != nil {
			x.events = append(x.events, m)
		}
		c.mu.Unlock()
	}
}

// call asks the browser and waits for its answer.
func (c *chromium) call(session, method string, params any) reply {
	c.t.Helper()
	answer := make(chan reply, 1)
	c.mu.Lock()
	c.last++
	m := map[string]any{"id": c.last, "method": method}
	if params != nil {
		m["params"] = params
	}
	if session != "" {
		m["sessionId"] = session
	}
	if c.calls == nil {
		c.mu.Unlock()
		c.t.Fatal(method, ": the browser is gone")
	}
	c.calls[c.last] = answer
	c.mu.Unlock()
	b, err := json.Marshal(m)
	if err == nil {
		_, err = c.to.Write(append(b, 0))
	}
	if err != nil {
		c.t.Fatal(err)
	}
	r, ok := <-answer
	if !ok && method != "Browser.close" {
		c.t.Fatal(method, ": the browser has ended")
	}
	if r.Error != nil {
		c.t.Fatalf("%s %v: %s", method, params, r.Error.Message)
	}
	return r
}

// tab is one page in the browser.
type tab struct {
	*testing.T
	c       *chromium
	session string
	base    string
	events  []reply
}

type object = map[string]any

// open shows an address in a tab of its own.
func (c *chromium) open(t *testing.T, base, query string) *tab {
	t.Helper()
	var target struct {
		ID      string `json:"targetId"`
		Session string `json:"sessionId"`
	}
	_ = json.Unmarshal(c.call("", "Target.createTarget", object{"url": "about:blank"}).Result, &target)
	_ = json.Unmarshal(c.call("", "Target.attachToTarget", object{"targetId": target.ID, "flatten": true}).Result, &target)
	x := &tab{T: t, c: c, session: target.Session, base: base}
	c.mu.Lock()
	c.tabs[x.session] = x
	c.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		x.call(domain+".enable", nil)
	}
	x.size(1280, 720)
	x.call("Page.navigate", object{"url": base + query})
	x.wait("document.getElementById('veil')?.hidden")
	return x
}

func (x *tab) call(method string, params any) reply {
	x.Helper()
	return x.c.call(x.session, method, params)
}

func (x *tab) size(width, height int) {
	x.Helper()
	x.call("Emulation.setDeviceMetricsOverride", object{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
}

// eval computes an expression in the page.
func (x *tab) eval(expression string, to any) {
	x.Helper()
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	_ = json.Unmarshal(x.call("Runtime.evaluate", object{"expression": expression, "awaitPromise": true, "returnByValue": true}).Result, &r)
	if r.Exception != nil {
		x.Fatalf("%s", r.Exception.Exception.Description)
	}
	if to != nil {
		if err := json.Unmarshal(r.Result.Value, to); err != nil {
			x.Fatalf("%s: %s: %v", expression, r.Result.Value, err)
		}
	}
}

// wait lets the browser wait until the expression holds.
func (x *tab) wait(expression string) {
	x.Helper()
	quoted, _ := json.Marshal(expression)
	x.eval(`new Promise((ok, no) => {
		const end = performance.now() + 60000;
		const look = () => {
			if (`+expression+`) ok(1);
			else if (performance.now() > end) no(new Error('waited for ' + `+string(quoted)+` + ' and see ' + document.getElementById('forecourt').innerText + document.querySelector('.middle').innerText + document.getElementById('toast').innerText));
			else setTimeout(look, 30);
		};
		look();
	})`, nil)
}

// sees waits until an element shows the text.
func (x *tab) sees(selector, text string) {
	x.Helper()
	x.wait(fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", selector, text))
}

// middle is where an element is on the screen.
func (x *tab) middle(selector string) (at [2]float64) {
	x.Helper()
	x.eval(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: 'nearest'});
		const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, selector), &at)
	return at
}

func (x *tab) mouse(kind string, at [2]float64) {
	x.Helper()
	x.call("Input.dispatchMouseEvent", object{"type": kind, "x": at[0], "y": at[1], "button": "left", "buttons": 1, "clickCount": 1})
}

// click presses the left button on the middle of each element.
func (x *tab) click(selectors ...string) {
	x.Helper()
	for _, s := range selectors {
		at := x.middle(s)
		x.mouse("mousePressed", at)
		x.mouse("mouseReleased", at)
	}
}

// drag carries one element to another.
func (x *tab) drag(from, to string) {
	x.Helper()
	a, b := x.middle(from), x.middle(to)
	x.mouse("mousePressed", a)
	for i := range 5 {
		k := float64(i+1) / 5
		x.mouse("mouseMoved", [2]float64{a[0] + (b[0]-a[0])*k, a[1] + (b[1]-a[1])*k})
	}
	x.mouse("mouseReleased", b)
}

// keys presses keys by name or character.
func (x *tab) keys(names ...string) {
	x.Helper()
	codes := map[string]int{"Enter": 13, " ": 32, "Tab": 9, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
	for _, name := range names {
		text := name
		switch {
		case name == "Enter":
			text = "\r"
		case len(name) > 1:
			text = ""
		}
		code := codes[name]
		if code == 0 {
			code = int(strings.ToUpper(name)[0])
		}
		x.call("Input.dispatchKeyEvent", object{"type": "keyDown", "key": name, "text": text, "windowsVirtualKeyCode": code})
		x.call("Input.dispatchKeyEvent", object{"type": "keyUp", "key": name, "windowsVirtualKeyCode": code})
	}
}

// shot takes a picture of the window.
func (x *tab) shot(file string) {
	x.Helper()
	var r struct {
		Data string `json:"data"`
	}
	_ = json.Unmarshal(x.call("Page.captureScreenshot", object{"format": "png"}).Result, &r)
	png, err := base64.StdEncoding.DecodeString(r.Data)
	if err == nil {
		err = os.WriteFile(file, png, 0o600)
	}
	if err != nil {
		x.Fatal(err)
	}
}

// clean demands that nothing was said on the console and nobody else was asked for anything.
func (x *tab) clean() {
	x.Helper()
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	asked := 0
	for _, e := range x.events {
		switch e.Method {
		case "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded":
			x.Errorf("console: %s", e.Params)
		case "Network.requestWillBeSent":
			var p struct {
				Request struct {
					URL string `json:"url"`
				} `json:"request"`
			}
			_ = json.Unmarshal(e.Params, &p)
			if asked++; !strings.HasPrefix(p.Request.URL, x.base) {
				x.Errorf("a request to another host: %s", p.Request.URL)
			}
		}
	}
	if asked < 5 {
		x.Errorf("only %d requests were seen", asked)
	}
}
