// The page only shows what the program says and posts what people do. It computes nothing about money or fuel.

const $ = (id) => document.getElementById(id);
const make = (tag, cls, text) => {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  if (text !== undefined) e.textContent = text;
  return e;
};
const put = (e, text) => { if (e.textContent !== text) e.textContent = text; };
const attr = (e, name, value) => { if (e.getAttribute(name) !== String(value)) e.setAttribute(name, value); };

const texts = await (await fetch('texts.json')).json();
let lang = new URLSearchParams(location.search).get('lang') === 'en' ? 'en' : 'zh';
const t = (key) => texts[key][lang];
const say = (s) => (s ? s[lang] : '');

let state = null;
let chosen = 0; // nozzle that pad and buttons act on
let hand = '';  // name of the card in the hand
const pumps = new Map();
const lights = new Map();

// ---- what people do

// One act after the other: two keys pressed quickly must arrive in their order.
let posting = Promise.resolve();
const post = (path, body = {}) => (posting = posting.then(() => send(path, body)));

async function send(path, body) {
  try {
    const r = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    if (r.ok) return true;
    toast(say(await r.json()));
  } catch {
    toast(t('lost'));
  }
  return false;
}

let toastTimer;
function toast(text) {
  put($('toast'), text);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => put($('toast'), ''), 4000);
}

const act = (what, more) => post('hands/' + what, { nozzle: chosen, ...more });
const pump = (n = chosen) => state?.pumps.find((p) => p.n === n);

async function insert(n, card = hand) {
  if (!card) return toast(t('nohand'));
  choose(n);
  hold('');
  return act('insert', { card });
}

async function slotPressed(n, keyboard) {
  choose(n);
  if (pump(n).card) return act('pull');
  // the PIN comes next: Enter must not pull the card again
  if (await insert(n) && keyboard) $('ok').focus();
}

function nozzlePressed(n) {
  choose(n);
  act(pump(n).up ? 'hang' : 'lift');
}

function hold(card) {
  hand = card;
  document.body.classList.toggle('holding', card !== '');
  for (const b of $('cards').children) attr(b, 'aria-pressed', b.dataset.card === card);
}

function choose(n) {
  if (!n || n === chosen) return;
  chosen = n;
  if (state) render();
}

// ---- dispensers

function newPump(n) {
  const e = $('pump').content.firstElementChild.cloneNode(true);
  for (const x of e.querySelectorAll('[data-t]')) x.textContent = t(x.dataset.t);
  e.dataset.n = n;
  const [slot, nozzle] = e.querySelectorAll('button');
  slot.dataset.slot = n;
  slot.addEventListener('click', (ev) => slotPressed(n, ev.detail === 0));
  nozzle.addEventListener('click', () => nozzlePressed(n));
  e.addEventListener('pointerdown', () => choose(n));
  e.addEventListener('focusin', () => choose(n));
  slot.addEventListener('pointerdown', (ev) => { const c = pump(n).card; if (c) drag(ev, c, n); });
  $('forecourt').append(e);
  const light = make('span', 'light');
  light.append(make('i'), make('span', '', String(n)));
  $('hub').append(light);
  lights.set(n, light);
  const rows = [...e.querySelectorAll('[data-row]')].map((g) => ({ g, name: g.dataset.row, uses: [...g.querySelectorAll('.lit use')], shown: null }));
  const at = { e, slot, nozzle, rows, no: e.querySelector('.no'), prod: e.querySelector('.prod'), who: e.querySelector('.who'), chip: e.querySelector('.chip b'), shape: e.querySelector('.chip use'), say: e.querySelector('.say'), visitor: e.querySelector('.visitor') };
  pumps.set(n, at);
  return at;
}

// digits shows finished text such as 200.00 on six places.
function digits(row, text) {
  if (row.shown === text) return;
  row.shown = text;
  row.g.classList.toggle('dark', text === '');
  const d = text.replace('.', '').padStart(6, ' ').slice(-6);
  row.uses.forEach((u, i) => attr(u, 'href', d[i] === ' ' ? '#' : '#d' + d[i]));
}

function renderPump(p) {
  const at = pumps.get(p.n) ?? newPump(p.n);
  const c = at.e.classList;
  c.toggle('chosen', p.n === chosen);
  c.toggle('up', p.up);
  c.toggle('squeezed', p.squeeze > 0);
  c.toggle('flowing', p.flowing);
  c.toggle('hascard', p.card !== '');
  c.toggle('greycard', state.cards.some((x) => x.name === p.card && x.kind === 'grey'));
  attr(at.e, 'data-kind', p.kind);
  attr(at.e, 'data-product', p.product);
  attr(at.e, 'aria-label', `${say(p.name)} ${p.product} ${say(p.state)}`);
  for (const row of at.rows) digits(row, p[row.name]);
  put(at.no, String(p.n));
  put(at.prod, p.product);
  put(at.who, p.card.length > 10 ? p.card.slice(0, 9) + '…' : p.card);
  put(at.chip, say(p.state));
  attr(at.shape, 'href', '#s-' + p.kind);
  attr(at.say, 'title', say(p.fault) || say(p.prompt));
  const bad = say(p.fault);
  put(at.say, bad || '*'.repeat(p.stars) || say(p.prompt));
  at.say.classList.toggle('bad', bad !== '');
  at.visitor.hidden = !p.visitor;
  at.visitor.title = t('visitor');
  put(at.slot, p.card ? '' : t('slotempty'));
  attr(at.slot, 'aria-label', `${say(p.name)} ${p.card ? p.card + ', ' + t('slotin') : hand ? t('slotput') : t('slotempty')}`);
  attr(at.nozzle, 'aria-label', `${say(p.name)} ${t(p.up ? 'hang' : 'lift')}`);
  attr(at.nozzle, 'title', t(p.up ? 'hang' : 'lift'));
  for (const b of [at.slot, at.nozzle]) attr(b, 'tabindex', p.n === chosen ? 0 : -1);
  const light = lights.get(p.n);
  light.classList.toggle('on', p.online && p.power);
  attr(light, 'title', `${say(p.name)} ${t(!p.power ? 'nopower' : p.online ? 'online' : 'offline')}`);
}

function flash(busy) {
  for (const n of busy) {
    const l = lights.get(n);
    if (!l) continue;
    l.classList.add('busy');
    clearTimeout(l.timer);
    l.timer = setTimeout(() => l.classList.remove('busy'), 120);
  }
}

// ---- wallet

function renderCards() {
  const box = $('cards');
  for (const c of state.cards) {
    let b = [...box.children].find((x) => x.dataset.card === c.name);
    if (!b) {
      b = make('button', 'plasticcard');
      b.dataset.card = c.name;
      b.append(make('span', 'a'), make('span', 'b'));
      b.firstChild.append(make('b'), make('span', 'm'));
      b.lastChild.append(make('span'), make('span'));
      b.addEventListener('click', (ev) => cardPressed(c.name, ev.detail === 0));
      b.addEventListener('pointerdown', (ev) => { if (!card(c.name).in) drag(ev, c.name, 0); });
      box.append(b);
      attr(b, 'aria-pressed', false);
    }
    const name = c.in ? `${t('inslot')} ${say(pump(c.in)?.name)}` : c.number;
    put(b.firstChild.children[0], c.name);
    put(b.firstChild.children[1], c.kind === 'blank' ? '' : '¥' + c.balance);
    put(b.lastChild.children[0], name);
    put(b.lastChild.children[1], c.kind === 'good' ? (c.pin ? `${t('pin')} ${c.pin}` : '') : say(c.state));
    attr(b, 'data-kind', c.kind);
    b.classList.toggle('away', c.in !== 0);
    attr(b, 'title', c.name + (c.pin ? ` · ${t('pin')} ${c.pin}` : ''));
  }
  if (hand && card(hand)?.in) hold('');
}

const card = (name) => state.cards.find((c) => c.name === name);

function cardPressed(name, keyboard) {
  const c = card(name);
  if (c.in) { choose(c.in); pumps.get(c.in).slot.focus(); return; }
  hold(hand === name ? '' : name);
  if (hand && keyboard) pumps.get(chosen).slot.focus();
}

// drag carries a card with the mouse or a finger: to a slot, or out of one.
function drag(ev, name, from) {
  if (ev.button !== 0) return;
  const start = [ev.clientX, ev.clientY];
  let ghost = null;
  let over = null;
  const target = (e) => document.elementFromPoint(e.clientX, e.clientY)?.closest('.pump')?.querySelector('[data-slot]') ?? null;
  const move = (e) => {
    if (!ghost && Math.hypot(e.clientX - start[0], e.clientY - start[1]) < 6) return;
    if (!ghost) {
      ghost = make('div', 'plasticcard flying', name);
      document.body.append(ghost);
      if (!from) hold(name);
    }
    ghost.style.left = e.clientX - 60 + 'px';
    ghost.style.top = e.clientY - 12 + 'px';
    const at = target(e);
    if (at !== over) { over?.classList.remove('over'); at?.classList.add('over'); over = at; }
  };
  const end = (e) => {
    for (const [k, f] of [['pointermove', move], ['pointerup', end], ['pointercancel', end]]) window.removeEventListener(k, f);
    over?.classList.remove('over');
    if (!ghost) return;
    ghost.remove();
    // the press that became a drag is not a click any more
    const swallow = (c) => { c.stopPropagation(); c.preventDefault(); };
    window.addEventListener('click', swallow, true);
    const enough = () => window.removeEventListener('click', swallow, true);
    setTimeout(enough, 0);
    window.addEventListener('pointerdown', enough, { capture: true, once: true }); // may come before the timer
    const at = e.type === 'pointerup' ? target(e) : null;
    if (from) { if (!at || Number(at.dataset.slot) !== from) { choose(from); act('pull'); } return; }
    if (at) insert(Number(at.dataset.slot), name);
    else hold('');
  };
  for (const [k, f] of [['pointermove', move], ['pointerup', end], ['pointercancel', end]]) window.addEventListener(k, f);
}

// ---- pad, receipt, books, checkers

function renderPad() {
  const p = pump();
  if (!p) return;
  put($('padname'), `${say(p.name)} ${p.product}`);
  put($('padstate'), say(p.state));
  attr($('padstate'), 'data-kind', p.kind);
  const bad = say(p.fault);
  put($('prompt'), (bad || say(p.prompt)) + (p.stars ? ' ' + '*'.repeat(p.stars) : ''));
  $('prompt').classList.toggle('bad', bad !== '');
  const info = [];
  if (p.balance) info.push(`${t('balance')} ${p.balance}`);
  if (say(p.preset)) info.push(`${t('preset')} ${say(p.preset)}`);
  if (p.unsent) info.push(`${t('unsent')} ${p.unsent}`);
  put($('padinfo'), info.join(' · '));
  attr($('lift'), 'aria-disabled', p.up);
  attr($('hang'), 'aria-disabled', !p.up);
  attr($('squeeze'), 'aria-disabled', !p.up);
  attr($('squeeze'), 'aria-pressed', p.squeeze > 0);
  put($('squeeze').firstElementChild, t(p.squeeze > 0 ? 'release' : 'squeeze'));
  attr($('pull'), 'aria-disabled', p.card === '');
  [...$('steps').children].forEach((li, i) => {
    li.className = i + 1 < p.step ? 'past' : '';
    if (i + 1 === p.step) attr(li, 'aria-current', 'step');
    else li.removeAttribute('aria-current');
  });
  const next = { 4: 'lift', 5: p.squeeze ? '' : 'squeeze', 6: 'hang', 7: 'pull' }[p.step];
  for (const id of ['lift', 'squeeze', 'hang', 'pull']) $(id).classList.toggle('next', id === next);
}

let receiptShown = null;
function renderReceipt() {
  const text = (state.receipt.lines ?? []).join('\n');
  put($('receiptof'), text ? say(pump(state.receipt.n)?.name) : '');
  if (text === receiptShown) return;
  const fresh = receiptShown !== null && text !== '';
  receiptShown = text;
  const e = $('receipt');
  e.textContent = text || t('noreceipt');
  e.classList.remove('new');
  if (fresh) { void e.offsetWidth; e.classList.add('new'); }
}

let books = null;
let newest = -1;
function renderLedger() {
  const now = JSON.stringify(state.ledger) + lang;
  if (now === books) return;
  books = now;
  const rows = state.ledger ?? [];
  const list = rows.map((r) => {
    const li = make('li');
    if (newest >= 0 && r.no > newest) li.className = 'new';
    const a = make('div', 'a');
    a.append(make('span', '', `${r.no}. ${say(r.name)} ${r.product}`), make('span', '', `¥${r.amount}`));
    const b = make('div', 'b');
    const proof = r.owed ? 'tacnone' : r.tac_ok ? 'tacok' : 'tacbad';
    const tac = make('span', 'tac ' + proof, t(proof));
    if (!r.owed) tac.title = 'TAC ' + r.tac;
    b.append(make('span', '', r.time.slice(11)), make('span', '', r.quantity), make('span', '', say(r.state)), tac);
    li.append(a, b);
    for (const x of r.entries ?? []) {
      const e = make('div', 'e');
      e.title = x.name;
      e.append(make('span', '', `${say(x.side)} ${say(x.account)}`), make('b', '', x.amount));
      li.append(e);
    }
    return li;
  });
  newest = rows.length ? rows[0].no : 0;
  $('ledger').replaceChildren(...(list.length ? list : [make('li', 'none', t('noledger'))]));
}

function renderBar() {
  put($('station'), say(state.station));
  put($('seed'), state.seed);
  const pause = $('pause');
  attr(pause, 'aria-pressed', state.paused);
  attr(pause, 'aria-label', t(state.paused ? 'run' : 'pause'));
  attr(pause, 'title', t(state.paused ? 'run' : 'pause'));
  attr(pause.querySelector('use'), 'href', state.paused ? '#i-run' : '#i-pause');
  attr($('step'), 'aria-disabled', !state.paused);
  for (const b of $('speeds').children) attr(b, 'aria-pressed', b.dataset.speed === state.speed);
  attr($('customers'), 'aria-pressed', state.autoplay);
  const c = state.checks;
  $('checks').classList.toggle('bad', !c.ok);
  put($('checkword'), c.ok ? t('checksgood') : `${t('checksbad')} ${c.broken}`);
  attr($('checks'), 'title', c.detail);
  put($('checkcount'), `${c.count} ${t('checkscount')}`);
}

function render() {
  state.pumps.forEach(renderPump);
  renderCards();
  renderPad();
  renderReceipt();
  renderLedger();
  renderBar();
}

// ---- trace

const maxLines = 300;
let lines = [];
const kinds = { card: 'fcard', psam: 'fpsam', serial: 'fserial', poll: 'fpoll', journal: 'fjournal', event: 'fevent' };

function lineElement(l) {
  const e = make('div', 'ln ' + l.kind);
  const x = make('span', 'x');
  x.append(make('b', '', say(l.title)), make('span', 'd', say(l.detail)), make('span', 'w', say(l.why)), make('code', '', l.raw));
  e.append(make('time', '', l.t), make('span', '', say(l.where)), make('span', 'k', t(kinds[l.kind])), x);
  return e;
}

let following = true;
function addLines(fresh, skipped) {
  const box = $('lines');
  if (skipped) fresh = [{ kind: 'event', t: '', where: null, title: { zh: `${skipped} ${texts.skipped.zh}`, en: `${skipped} ${texts.skipped.en}` }, detail: null, raw: '' }, ...fresh];
  lines = lines.concat(fresh);
  box.append(...fresh.map(lineElement));
  // polls must not push out what is worth reading
  while (lines.length > maxLines) {
    const poll = lines.findIndex((l) => l.kind === 'poll');
    const i = poll >= 0 && poll < lines.length - 60 ? poll : 0;
    lines.splice(i, 1);
    box.children[i].remove();
  }
  if (following) box.scrollTop = box.scrollHeight;
}

function redrawLines() {
  $('lines').replaceChildren(...lines.map(lineElement));
  if (following) $('lines').scrollTop = $('lines').scrollHeight;
}

$('lines').addEventListener('click', (ev) => ev.target.closest('.ln')?.classList.toggle('open'));
$('lines').addEventListener('scroll', () => {
  const box = $('lines');
  following = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  $('follow').hidden = following;
});
$('follow').addEventListener('click', () => { following = true; redrawLines(); });
$('filters').addEventListener('change', (ev) => {
  $('lines').classList.toggle('no-' + ev.target.value, !ev.target.checked);
  if (following) $('lines').scrollTop = $('lines').scrollHeight;
});
$('depth').addEventListener('click', (ev) => {
  const b = ev.target.closest('button');
  if (!b) return;
  for (const x of $('depth').children) attr(x, 'aria-pressed', x === b);
  for (const d of ['raw', 'why']) $('lines').classList.toggle(d, b.dataset.depth === d);
  if (following) $('lines').scrollTop = $('lines').scrollHeight;
});

// ---- buttons and keys

$('pause').addEventListener('click', () => post(state.paused ? 'time/run' : 'time/pause'));
$('step').addEventListener('click', () => post('time/step'));
$('speeds').addEventListener('click', (ev) => {
  const b = ev.target.closest('button');
  if (b) post('time/speed', { speed: b.dataset.speed });
});
$('customers').addEventListener('click', () => post('customers', { on: !state.autoplay }));
$('keys').addEventListener('click', (ev) => {
  const b = ev.target.closest('button');
  if (b) act('keys', { keys: b.dataset.key });
});
$('lift').addEventListener('click', () => act('lift'));
$('hang').addEventListener('click', () => act('hang'));
$('squeeze').addEventListener('click', () => act('squeeze', { permille: pump().squeeze > 0 ? 0 : 1000 }));
$('pull').addEventListener('click', () => act('pull'));

const columns = () => getComputedStyle($('forecourt')).gridTemplateColumns.split(' ').length;
const arrows = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -columns(), ArrowDown: columns };
document.addEventListener('keydown', (ev) => {
  if (!state || ev.ctrlKey || ev.altKey || ev.metaKey) return;
  const focus = document.activeElement;
  const role = focus?.dataset?.role;
  if (ev.key === 'Escape') return hold('');
  if (role && ev.key in arrows) {
    const all = state.pumps.map((p) => p.n);
    const next = all[all.indexOf(chosen) + arrows[ev.key]()];
    if (next) { choose(next); pumps.get(next)[role].focus(); }
    ev.preventDefault();
    return;
  }
  if (ev.repeat || (focus !== document.body && !$('pad').contains(focus) && !role)) return;
  let button = null;
  if (ev.key === 'Backspace') button = $('keys').querySelector('.clear');
  else if (/^[0-9]$/.test(ev.key)) button = $('keys').querySelector(`[data-key="${ev.key}"]`);
  else if (/^[a-z]$/i.test(ev.key)) button = document.querySelector(`[aria-keyshortcuts=${ev.key.toUpperCase()}]`);
  else if (ev.key === 'Enter' && focus === document.body) button = $('ok');
  if (!button) return;
  button.click();
  ev.preventDefault();
});

// ---- language

function speak() {
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
  document.title = t('title');
  for (const e of document.querySelectorAll('[data-t]')) e.textContent = t(e.dataset.t);
  for (const e of document.querySelectorAll('[data-l]')) { e.setAttribute('aria-label', t(e.dataset.l)); if (e.title) e.title = t(e.dataset.l); }
  receiptShown = receiptShown === '' ? null : receiptShown;
  if (state) render();
  redrawLines();
}
$('lang').addEventListener('click', () => { lang = lang === 'zh' ? 'en' : 'zh'; speak(); });

// ---- the stream

let joined = false;
function join() {
  const stream = new EventSource('live');
  stream.onmessage = (ev) => {
    const m = JSON.parse(ev.data);
    if (!m) return;
    if (!joined) { joined = true; $('veil').hidden = true; lines = []; redrawLines(); }
    put($('clock'), m.clock.slice(11));
    attr($('clock'), 'title', m.clock);
    if (m.state) {
      state = m.state;
      chosen ||= state.pumps[0]?.n ?? 0;
      render();
    }
    if (m.lines || m.skipped) addLines(m.lines ?? [], m.skipped);
    if (m.busy) flash(m.busy);
  };
  stream.onerror = () => {
    joined = false;
    $('veil').hidden = false;
    put($('veil'), t('lost'));
  };
}

speak();
join();
