/** Decides what every page has in common: its frame, its looks, and headers that let nothing else run on it. */
import { createHash } from 'node:crypto'
import type { Answer } from '../../core/exchange.ts'
import { type Html, html, markup } from './html.ts'

export interface PageOptions {
  readonly title: string
  readonly status?: number
  /** Where forms of this page may lead beside ourselves: a sign-in ends at the client, and browsers check redirects too. */
  readonly formTargets?: readonly string[]
  /** Absent on pages that run none. */
  readonly script?: PageScript
}

/** A script of our own, and its digest (Subresource Integrity). */
export interface PageScript {
  readonly url: string
  readonly integrity: string
}

const STYLE = `
:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--ink:#1b2430;--soft:#556070;--line:#c9d0d9;--field:#fff;
--accent:#0b5fce;--accent-ink:#fff;--bad:#b3261e;--bad-ground:#fdeceb;--note:#eef3fb}
@media (prefers-color-scheme:dark){:root{--ground:#11161d;--card:#1a212b;--ink:#e8edf3;--soft:#a5b1c0;--line:#46525f;
--field:#11161d;--accent:#7db4ff;--accent-ink:#0b1520;--bad:#ffb4ab;--bad-ground:#3d1b19;--note:#202b39}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;justify-content:center;padding:1.5rem;
background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{width:100%;max-width:27rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:2rem;
box-shadow:0 1px 3px rgba(0,0,0,.12)}
.brand{display:flex;align-items:center;gap:.6rem;margin:0 0 1.25rem;font-weight:600;letter-spacing:.02em}
.brand svg{width:1.75rem;height:1.75rem;color:var(--accent)}
h1{font-size:1.375rem;line-height:1.3;margin:0 0 .5rem}p{margin:.5rem 0}.soft,.hint{color:var(--soft)}
.hint{font-weight:400;font-size:.875rem}
.or{display:flex;align-items:center;gap:.75rem;margin:1rem 0 0;color:var(--soft);font-size:.875rem}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line)}[role=status]:empty{display:none}
a{color:var(--accent)}label{display:block;font-weight:600;margin:1rem 0 .25rem}
input[type=text],input[type=password]{width:100%;padding:.625rem .75rem;font:inherit;color:var(--ink);background:var(--field);
border:1px solid var(--soft);border-radius:.5rem}
input.code{font-family:ui-monospace,monospace;font-size:1.25rem;letter-spacing:.15em;text-transform:uppercase}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
button{display:block;width:100%;min-height:2.75rem;margin-top:1rem;padding:.625rem 1rem;font:inherit;font-weight:600;
border-radius:.5rem;border:1px solid var(--soft);background:transparent;color:var(--ink);cursor:pointer}
button.primary{background:var(--accent);border-color:var(--accent);color:var(--accent-ink)}
.problem{background:var(--bad-ground);color:var(--bad);border-radius:.5rem;padding:.625rem .75rem;margin:1rem 0 0}
dl{margin:1.25rem 0;border:1px solid var(--line);border-radius:.5rem;padding:.25rem 1rem}
dl div{padding:.5rem 0}dl div+div{border-top:1px solid var(--line)}dt{font-size:.875rem;color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}ul{margin:.25rem 0;padding-left:1.2rem}
section{margin-top:1.75rem}h2{font-size:1rem;margin:0 0 .25rem}ul.rows{list-style:none;margin:0;padding:0}
.rows li{display:flex;gap:1rem;align-items:center;justify-content:space-between;padding:.625rem 0;border-top:1px solid var(--line)}
.rows li>div{min-width:0;overflow-wrap:anywhere}.rows .hint{display:block}.rows button{width:auto;min-height:2.5rem;margin:0;white-space:nowrap}
.note{background:var(--note);border-radius:.5rem;padding:.625rem .75rem}.usercode{font:600 1.5rem ui-monospace,monospace;
letter-spacing:.12em;text-align:center;margin:1rem 0}
footer{margin-top:1rem;font-size:.8125rem;color:var(--soft);text-align:center}
`

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** The style never changes, so it is made once; it holds no text of anybody. */
const STYLE_ELEMENT = html(Object.assign([`<style>${STYLE}</style>`], { raw: [] }))

/** A whole answer. On a page that needs no script none can run, and on one that does only this one. */
export function page(body: Html, { title, status = 200, formTargets = [], script }: PageOptions): Answer {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} · Portcullis</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${STYLE_ELEMENT}
${script === undefined ? html`` : html`<script src="${script.url}" integrity="${script.integrity}" defer></script>`}
</head>
<body>
<main>
<p class="brand"><svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2"
stroke-linecap="round"><path d="M4 21V9a8 8 0 0 1 16 0v12M8 21V8M12 21V6M16 21V8M4 12h16M4 17h16"/></svg>Portcullis</p>
${body}
</main>
<footer>Your sign-in stays with this gateway. Applications never see your password.</footer>
</body>
</html>
`
  return { status, headers: headersFor(formTargets, script), page: markup(document) }
}

/** A page that only says something. */
export function messagePage(title: string, sentence: string, status = 200): Answer {
  return page(html`<h1>${title}</h1><p>${sentence}</p>`, { title, status })
}

/** What every page carries. `same-origin` and not `no-referrer`: that would take the Origin from our own forms. */
function headersFor(formTargets: readonly string[], script: PageScript | undefined): Readonly<Record<string, string>> {
  const form = ["'self'", ...formTargets].join(' ')
  const scripts = script === undefined ? '' : `script-src ${script.url}; `
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action ${form}; ${scripts}` +
      "base-uri 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=()',
    'cache-control': 'no-store',
  }
}

/** The form target of a redirect URI in the words of CSP: its origin, or its scheme where it has none that CSP can name. */
export function formTargetOf(redirectUri: string): string | undefined {
  const url = URL.parse(redirectUri)
  if (url === null) return undefined
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:'
  const target = isWeb && !url.hostname.startsWith('[') ? url.origin : url.protocol
  return /^[a-z][a-z0-9+.-]*:(?:\/\/[a-z0-9.-]+(?::\d+)?)?$/.test(target) ? target : undefined
}
