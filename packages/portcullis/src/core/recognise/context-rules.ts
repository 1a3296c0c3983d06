/**
 * Which strings are credentials by what stands around them: assignments, flags, headers, addresses and files of tools that keep them.
 *
 * Facts: the userinfo of a URI is RFC 3986 section 3.2.1, Basic and Bearer are RFC 7617 and RFC 6750, PEM is RFC 7468; the files are
 * described by their tools (curl `-u` and netrc, npm "npmrc", Docker "config.json", Kubernetes "kubeconfig" and "Secret", ADO.NET
 * "Connection String Syntax", PsExec of Sysinternals). What is found here is probable and not certain, so that all of it is a hint.
 * Every pattern begins with a word and repeats a bounded number of times.
 */
import { entropy, isPlaceholder, isWrittenSecret, isWrittenKey } from './secret-checks.ts'
import type { SecretRule } from './secret-rule.ts'

const isRandomKey = (text: string): boolean => isWrittenKey(text) && entropy(text) >= 3
const isFair = (text: string): boolean => entropy(text) >= 2.5 && !isPlaceholder(text)
/** What every one of these contexts has in it; most texts of a log have nothing of it. */
export const CONTEXT_SIGN = /[:=("']|-[-A-Za-z]/

/** In an environment or an address nothing but a value can stand, so that a word is one too. */
const isWord = (text: string): boolean => !isPlaceholder(text) && !NO_VALUE.test(text)
const NO_VALUE =
  /^(?:[a-z_]{0,30}password|path\/.*|passwd|pass(?:word)?[_-]?here|pwd|true|false|null|none|nil|undefined|string|required|optional|replace.{0,40}|changeit|[%$<{(*[].*|.*[)>}]|\.+|-+)$/i

const hint = (reason: string, signs: readonly string[], pattern: RegExp, check = isFair): SecretRule => ({
  reason,
  signs,
  pattern,
  weight: 'hint',
  check,
})

const PASSWORDS = ['password', 'passwd', 'passphrase', 'pwd']

// biome-ignore format: one context a row
export const CONTEXT_RULES: readonly SecretRule[] = [
  // addresses
  hint('url-password', ['://'], /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"'<>{}$]{0,80}:(?<secret>[^\s/"'<>{}$,]{3,120})@[\w.-]{2,100}/gi, isWord),
  hint('url-parameter', ['token=', 'key=', 'secret=', 'password=', 'sig=', 'signature='], /[?&](?:access_?token|id_?token|refresh_?token|auth_?token|token|api_?key|key|client_?secret|secret|password|sig|(?:x-(?:amz|goog)-)?signature)=(?<secret>[\w.~%+/-]{16,500}={0,2})/gi, isRandomKey),
  // headers
  hint('header', ['x-', 'api-key', 'apikey', 'private-token', 'authorization', 'jenkins-crumb'], /(?<![\w-])(?:x-[a-z0-9-]{0,40}(?:token|key|secret|auth)|api-?key|private-token|jenkins-crumb|(?:proxy-)?authorization)["']?\s{0,4}:\s{0,4}["']?(?:(?:bearer|token|basic|apikey|key|bot)\s{1,4})?(?<secret>[\w.~+/-]{12,2000}={0,2})/gi, isWrittenKey),
  // command lines
  hint('user-flag', ['-u ', '--user'], /(?<![\w-])(?:-u|--user)[ =]\s{0,4}["']?[^\s:"'/]{1,120}:(?<secret>[^\s"'$:/]{5,200})/g, isWord),
  hint('password-flag', ['-pass', '-pw', '-token', '-secret', '-api', '-auth'], /(?<![\w-])--?(?:[a-z]{1,20}-){0,3}(?:password|passwd|passphrase|pass|pwd|token|api-?key|secret|auth-?token|secret-?key)(?:=|\s{1,4})["']?(?<secret>[^\s"'$<>{}%|&;-][^\s"'$<>{}%|&;]{4,300})/gi, isWrittenSecret),
  hint('remote-flag', ['psexec', 'sshpass'], /\b(?:psexec(?:\.exe)?|sshpass)\b[^\n%]{0,160}?\s-p\s{0,4}["']?(?<secret>[^\s%"'$-][^\s%"'$]{3,120})/gi, isWord),
  // files of tools
  hint('docker-auth', ['"auth"'], /"auth"\s{0,4}:\s{0,4}"(?<secret>[A-Za-z0-9+/]{12,2000}={0,2})"/g),
  hint('kube-key', ['-key-data', 'tls.key', 'dockerconfigjson'], /(?:client-key-data|tls\.key|\.dockerconfigjson)["']?\s{0,4}:\s{0,4}["']?(?<secret>[A-Za-z0-9+/]{40,8000}={0,2})/g),
  hint('npm-auth', ['_auth', '_password'], /:?_(?:authToken|auth|password)\s{0,4}=\s{0,4}["']?(?<secret>[A-Za-z0-9+/_.-]{8,400}={0,2})/g),
  hint('connection-string', [...PASSWORDS, 'secret', 'accesskey', 'accountkey'], /;\s{0,4}(?:pwd|password|secret|accountkey|sharedaccesskey|sharedsecret)\s{0,4}=\s{0,4}(?<secret>[^\s;"'<>{}$]{5,200})/gi, isWord),
  hint('connection-string', PASSWORDS, /(?<![\w-])(?:pwd|password)\s{0,4}=\s{0,4}(?<secret>[^\s;"'<>{}$&,()]{4,120})\s{0,4};\s{0,4}[A-Za-z][A-Za-z ]{1,30}=/gi, isWord),
  // variables of an environment
  hint('environment', ['password', 'passwd', 'passphrase', '_pass', 'pwd'], /(?<=[A-Z0-9]_|(?<![A-Za-z0-9_]))(?:PASSWORD|PASSWD|PASSPHRASE|PASS|PWD)(?:_[A-Z0-9]{1,12}){0,2}["']?\s{0,2}[=:]\s{0,2}["']?(?<secret>[^\s"'$(){}<>\\,;/][^\s"'$(){}<>\\,;]{4,200})/g, isWord),
  hint('environment', ['secret', 'token', '_key', 'apikey', 'credential'], /(?<=[A-Z0-9]_|(?<![A-Za-z0-9_]))(?:SECRET|TOKEN|API_?KEY|ACCESS_KEY|SECRET_KEY|STREAM_KEY|PRIVATE_KEY|SIGNING_KEY|ENCRYPTION_KEY|AUTH_KEY|LICENSE_KEY|CREDENTIALS?)(?:_[A-Z0-9]{1,12}){0,2}["']?\s{0,2}[:=]\s{0,2}["']?(?<secret>[A-Za-z0-9+/_.~-]{12,300}={0,2})(?![A-Za-z0-9([])/g, isRandomKey),
  // assignments
  hint('assignment', [...PASSWORDS, 'secret'], /(?:passw(?:or)?d|passphrase|pwd|secret(?:[_-]?key)?)["'\]]{0,2}\s{0,4}(?:=>|:=|[!=]=|[:=])\s{0,4}(?<quote>["'])(?<secret>(?:(?!\k<quote>)[^\s<]){5,200})\k<quote>/gi, isWrittenSecret),
  hint('assignment', PASSWORDS, /(?:passw(?:or)?d|passphrase|pwd)["']?\s{0,3}[:=]\s{0,3}(?<secret>[^\s"'`;,(){}[\]<>$&|\\/*%#][^\s"'`;,(){}[\]<>$&|\\]{4,200})(?=\s{0,2}(?:$|[#\r\n]))/gim, isWrittenSecret),
  hint('assignment', ['token', 'secret', 'licens', 'licenc', 'sonar'], /(?<!page|next|continuation|csrf|sync|cancel|max|public)[_-]?(?:token|secret|licen[sc]e|sonar\.?login)["'\]]{0,2}\s{0,16}(?:=>|:=|[:=])\s{0,16}["']?(?<secret>[A-Za-z0-9+/_.~-]{16,400}={0,2})(?![\w([])/gi, isRandomKey),
  hint('assignment', ['key'], /(?:api|access|secret|private|licen[sc]e|signing|encryption|stream|app|consumer|facebook)[._-]?key["'\]]{0,2}\s{0,16}(?:=>|:=|[:=])\s{0,16}["']?(?<secret>[A-Za-z0-9+/_.~-]{16,400}={0,2})(?![\w([])/gi, isRandomKey),
  hint('assignment', ['password', 'passwd'], /\bpassword(?:\s{1,4}for\b[^.\n"']{0,60})?\s{1,4}is:?\s{1,4}["'`](?<secret>[^\s"'`]{4,100})["'`]/gi, isWord),
  hint('assignment', ['credential'], /Credentials?\(\s{0,4}["'][^"'\n]{1,100}["']\s{0,4},\s{0,4}["'](?<secret>[^\s"']{5,120})["']/g, isWord),
  hint('assignment', ['directoryentry'], /DirectoryEntry\(\s{0,4}"[^"\n]{1,200}"\s{0,20},\s{0,20}"[^"\n]{1,100}"\s{0,20},\s{0,20}"(?<secret>[^\s"]{5,120})"/g, isWord),
  hint('assignment', PASSWORDS, /^[ \t]{0,20}[\w.-]{0,40}(?:password|passwd|pwd)=(?<secret>[^\s"'`;,(){}[\]<>$&|\\]{5,200})(?=\s{0,2}$)/gim, isWord),
  hint('unseal-key', ['unseal key'], /Unseal Key \d{1,2}:\s{1,4}(?<secret>[A-Za-z0-9+/]{40,48}={0,2})/gi),
]
