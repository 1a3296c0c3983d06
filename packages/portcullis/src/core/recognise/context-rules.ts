/**
 * Which strings are credentials by what stands around them: addresses, headers, files of tools, environments and assignments.
 *
 * Facts: the userinfo of a URI is RFC 3986 section 3.2.1, Basic and Bearer are RFC 7617 and RFC 6750, cookies RFC 6265; the files are
 * described by their tools (curl netrc, npm "npmrc", Docker "config.json", Kubernetes "kubeconfig" and "Secret", ADO.NET "Connection
 * String Syntax", PostgreSQL "The Password File"). What is found here is probable and not certain, so that all of it is a hint.
 */
import {
  isDense,
  isLowerWord,
  isMixed,
  isName,
  isPlainWord,
  isRandom,
  isRandomKey,
  isWord,
  isWrittenKey,
  isWrittenSecret,
} from './secret-checks.ts'
import { hint, type SecretRule } from './secret-rule.ts'

const PASSWORDS = ['password', 'passwd', 'passphrase', 'pwd']
const isNoName = (text: string): boolean => isRandom(text) && !isName(text)

// biome-ignore format: one context a row
export const CONTEXT_RULES: readonly SecretRule[] = [
  // addresses: a password that repeats the name, or one character, keeps nobody out
  hint('url-password', ['://'], /(?<=\b[a-z][a-z0-9+.-]{1,20}):\/\/(?<user>[^\s:/@"'<>{}$]{0,80}):(?!(?:\k<user>|(.)\2{0,20})@[\w.-]{2,100}(?![^\s/"'<>{}$,]{0,120}@))(?<secret>[^\s/"'<>{}$,]{4,120})@[\w.-]{2,100}/gi, isWord),
  hint('url-user', ['://'], /(?<=\bhttps?):\/\/(?<secret>[A-Za-z0-9_-]{20,120})(?::x-oauth-basic)?@(?![\w.-]{0,40}(?:sentry|ingest))[\w.-]{2,100}/gi, isRandomKey),
  hint('url-parameter', ['token=', 'key=', 'secret=', 'sig=', 'signature='], /(?<=[?&](?:(?:access|id|refresh|auth|session|bearer|user|api|app|client|sas|bot|jwt|sso|reset|webhook|subscription|x-(?:amz|goog)(?:-security)?)[_-]?){0,2})(?:token|key|secret|sig|signature)=(?<secret>[\w.~%+/-]{16,500}={0,2})/gi, isRandomKey),
  hint('url-parameter', ['password=', 'passwd=', 'pwd=', 'pass='], /(?<=[?&;](?:[a-z]{1,10}[_-]?)?)(?:password|passwd|pwd|pass)=(?<secret>[^\s&;"'<>{}$#()]{4,120})/gi, isWrittenSecret),
  hint('jdbc', ['jdbc:oracle:'], /jdbc:oracle:\w{1,8}:[\w$#]{1,60}\/(?<secret>[^\s@/"'<>{}$]{3,100})@/gi, isWord),
  // headers
  hint('header', ['x-', 'api-key', 'apikey', 'private-token', 'authorization', 'jenkins-crumb'], /(?<=(?<![\w-])(?:proxy-)?)(?:x-[a-z0-9-]{0,40}(?:token|key|secret|auth)|api-?key|private-token|jenkins-crumb|authorization)["'\]]{0,2}\s{0,4}(?:=>|[:,]|(?<=\]\s{0,4})=)\s{0,4}["'`]?(?:(?:bearer|token|basic|apikey|key|bot|splunk|genie-?key)\s{1,4})?(?<secret>[\w.~+/-]{12,2000}={0,2})/gi, isWrittenKey),
  hint('basic-auth', ['authorization'], /\bauthorization["'\]]{0,2}\s{0,4}(?:=>|[:=,])\s{0,4}["'`]?basic\s{1,4}(?<secret>[A-Za-z0-9+/]{8,400}={0,2})/gi),
  hint('bearer', ['authorization'], /\bauthorization["'\]]{0,2}\s{0,4}(?:=>|[:=,])\s{0,4}["'`]?bearer\s{1,4}(?<secret>[\w.~+/-]{12,2000}={0,2})/gi),
  hint('bearer', ['bearer'], /\bbearer\s{1,4}(?<secret>[\w.~+/-]{20,2000}={0,2})/gi, isRandomKey),
  hint('cookie', ['cookie'], /(?<=(?<![\w-])(?:set-)?)cookie["']?\s{0,4}:\s{0,4}["']?(?:[^;\s]{1,230};\s{0,2}){0,12}?[\w.-]{0,40}(?:sess|sid|auth|token|jwt|login|remember)[\w.-]{0,40}=(?<secret>[^;\s"',]{12,2000})/gi, isWrittenKey),
  // files of tools
  hint('netrc', ['machine'], /\bmachine\s{1,4}\S{1,100}\s{1,4}login\s{1,4}\S{1,100}\s{1,4}password\s{1,4}(?<secret>\S{4,100})/gi),
  hint('docker-auth', ['"auth"'], /"auth"\s{0,4}:\s{0,4}"(?<secret>[A-Za-z0-9+/]{12,2000}={0,2})"/g),
  hint('kube-key', ['client-key-data', 'tls.key', '.dockerconfigjson'], /(?:client-key-data|tls\.key|\.dockerconfigjson)["']?\s{0,4}:\s{0,4}["']?(?<secret>[A-Za-z0-9+/]{40,8000}={0,2})/g),
  hint('npm-auth', ['_auth', '_password'], /_(?:authToken|auth|password)\s{0,4}=\s{0,4}["']?(?<secret>[A-Za-z0-9+/_.-]{8,400}={0,2})/g),
  hint('pgpass', [':5432:'], /(?<=^[\w.*-]{1,80}):5432:[\w*-]{1,60}:[\w*.-]{1,60}:(?<secret>\S{4,100})/gm, isWord),
  hint('connection-string', ['password='], /(?<=\b(?:host|hostaddr|user|dbname|port)=[^\n;&]{1,90})\bpassword=["']?(?<secret>[^\s"';&<>{}$]{3,120})/g, isWord),
  hint('connection-string', [...PASSWORDS, 'secret', 'accountkey', 'sharedaccesskey', 'sharedsecret'], /(?<=;\s{0,4})(?:pwd|password|secret|accountkey|sharedaccesskey|sharedsecret)\s{0,4}=\s{0,4}(?<secret>[^\s;"'<>{}$]{5,200})/gi, isWord),
  hint('connection-string', ['pwd', 'password'], /(?<![\w-])(?:pwd|password)\s{0,4}=\s{0,4}(?<secret>[^\s;"'<>{}$&,()]{4,120})\s{0,4};\s{0,4}[A-Za-z][A-Za-z ]{1,30}=/gi, isWord),
  // variables of an environment
  hint('environment', ['pass', 'pwd'], /(?<=[A-Z0-9]_|(?<![A-Za-z0-9_]))(?:PASSWORD|PASSWD|PASSPHRASE|PASS|PWD)(?:_[A-Z0-9]{1,12}){0,2}["']?\s{0,2}[=:]\s{0,2}["']?(?<secret>[^\s"'$(){}<>\\,;/][^\s"'$(){}<>\\,;]{4,200})/g, isWord),
  hint('environment', ['secret', 'token', 'api', 'access', 'stream', 'private', 'signing', 'encryption', 'auth', 'license', 'deploy', 'master', 'credential'], /(?<=[A-Z0-9]_|(?<![A-Za-z0-9_]))(?:SECRET|TOKEN|API_?KEY|ACCESS_KEY|SECRET_KEY|STREAM_KEY|PRIVATE_KEY|SIGNING_KEY|ENCRYPTION_KEY|AUTH_KEY|LICENSE_KEY|DEPLOY_KEY|MASTER_KEY|CREDENTIALS?)(?:_[A-Z0-9]{1,12}){0,2}["']?\s{0,2}[:=]\s{0,2}["']?(?<secret>[A-Za-z0-9+/_.~-]{12,3000}={0,2})(?![A-Za-z0-9([])/g, isRandomKey),
  hint('environment', ['app_key'], /APP_KEY\s{0,2}=\s{0,2}["']?base64:(?<secret>[A-Za-z0-9+/]{43}=)/g),
  // assignments
  hint('assignment', ['api', 'secret', 'access', 'auth', 'client', 'passw', 'private'], /(?:api[_-]?key|secret(?:[_-]?(?:key|token))?|access[_-]?token|auth[_-]?token|client[_-]?secret|passw(?:or)?d|private[_-]?key)["']?\s{0,4}(?:=>|:=|[:=])\s{0,4}["'](?<secret>[^\s"'<>${}]{12,200})["']/gi, isNoName),
  hint('assignment', [...PASSWORDS, 'secret'], /(?:passw(?:or)?d|passphrase|pwd|secret(?:[_-]?key(?:[_-]?base)?)?)["'\]]{0,2}\s{0,4}(?:=>|:=|[!=]=|[:=])\s{0,4}(?<quote>["'])(?<secret>(?:(?!\k<quote>)[^\s<]){5,200})\k<quote>/gi, isWrittenSecret),
  // A dollar is one of a password where no name follows it.
  hint('assignment', PASSWORDS, /(?:passw(?:or)?d|passphrase|pwd)["']?\s{0,3}[:=]\s{0,3}(?<secret>[^\s"'`;,(){}[\]<>$&|\\/*%#](?:[^\s"'`;,(){}[\]<>$&|\\]|\$(?![\w({])){4,200})(?=\s{0,2}(?:$|[#\r\n]))/gim, isWrittenSecret),
  hint('assignment', ['token', 'secret', 'licens', 'licenc', 'sonar'], /(?<!(?:page|next|continuation|csrf|sync|cancel|max|public|device|push|design)[_-]?)(?:token|secret(?:[_-]?key[_-]?base)?|licen[sc]e|sonar\.?login)["'\]]{0,2}\s{0,16}(?:=>|:=|[:=])\s{0,16}["']?(?<secret>[A-Za-z0-9+/_.~-]{16,3000}={0,2})(?![\w([])/gi, isRandomKey),
  hint('assignment', ['api', 'access', 'secret', 'private', 'licen', 'signing', 'encryption', 'stream', 'app', 'consumer', 'facebook', 'deploy', 'master', 'account', 'service', 'integration', 'write', 'server', 'shared', 'storage', 'session', 'webhook', 'auth'], /(?:api|access|secret|private|licen[sc]e|signing|encryption|stream|app|consumer|facebook|deploy|master|account|service|integration|write|server|shared|storage|session|webhook|auth)[ ._-]?key["'\]]{0,2}\s{0,16}(?:=>|:=|[:=])\s{0,16}["']?(?<secret>[A-Za-z0-9+/_.~-]{16,400}={0,2})(?![\w([])/gi, isRandomKey),
  hint('assignment', ['key', 'auth', 'cred', 'pat', 'jwt', 'salt'], /(?<![a-z])(?:key|auth(?:\[\])?|cred(?:ential)?s?|pat|jwt|salt)["'\]]{0,2}\s{0,4}(?:=>|:=|[:=])\s{0,4}["'](?<secret>[A-Za-z0-9+/_.~-]{20,400}={0,2})["']/gi, isDense),
  hint('assignment', PASSWORDS, /(?<=^[ \t]{0,20}[\w.-]{0,40})(?:password|passwd|pwd)=(?<secret>[^\s"'`;,(){}[\]<>$&|\\]{5,200})(?=\s{0,2}$)/gim, isWord),
  // A word in quotes that is given to a password is one, where no type and no label can stand.
  hint('assignment', PASSWORDS, /(?:passw(?:or)?d|passphrase|pwd)["'\]]{0,2}\s{0,8}(?:=>?|:=?)\s{0,8}(?<quote>["'])(?<secret>[a-z]{5,40})\k<quote>/gi, isLowerWord),
  hint('assignment', PASSWORDS, /(?<=^[ \t]{0,20}[\w.-]{0,40})(?:password|passwd|pwd|passphrase)[ \t]{0,8}[:=][ \t]{1,8}(?<secret>[a-z]{5,40})(?=[ \t]{0,4}(?:$|[#\r\n]))/gim, isLowerWord),
  hint('assignment', ['jwt'], /jwt[\w.\s"'{:=-]{0,40}secret["']?\s{0,4}[:=]\s{0,4}["'](?<secret>[^\s"',;{}<>$]{4,120})["']/gi, isPlainWord),
  // Beside the name of a user.
  hint('login', ['user'], /user(?:name)?["']?\s{0,8}(?:=>|[:=])\s{0,8}["']?[^\s"',;]{1,80}["']?[,;]?[^\n]{0,60}\r?\n(?:[^\n]{0,120}\r?\n){0,2}?[ \t]{0,20}[\w.$>-]{0,40}?pass(?:word|wd)?["']?\s{0,8}(?:=>|[:=])\s{0,8}["']?(?<secret>[^\s"',;<>{}()[\]$]{4,120})/gi, isPlainWord),
  hint('login', ['user'], /user(?:name)?["']?\s{0,4}(?:=>|[:=])\s{0,4}["'][^"'\n]{1,80}["']\s{0,4},\s{0,8}["':]?pass(?:word|wd)?["']?\s{0,4}(?:=>|[:=])\s{0,4}["'](?<secret>[^"'\s<>{}$]{4,120})["']/gi, isPlainWord),
  // prose
  hint('assignment', ['password', 'passwd'], /\bpassword(?:\s{1,4}for\b[^.\n]{0,80}?)?\s{1,4}(?:is|was):?\s{1,4}["'`](?<secret>[^\s"'`]{4,100})["'`]/gi, isWord),
  hint('assignment', ['password', 'passphrase'], /\b(?:password|passphrase)\s{1,3}(?:is|was|set to)\s{1,3}(?<secret>[^\s"'`,;()<>]{6,60}?)(?=[.,;]?(?:\s|$))/gi, isMixed),
  hint('assignment', ['api', 'token', 'secret', 'access', 'licen'], /(?:api[ _-]?key|(?<!(?:page|next|continuation)[ _-]?)token|secret(?: key)?|access key|licen[sc]e key)[ \t|]{1,24}(?:is[ \t]|was[ \t])?[ \t]{0,3}["'`]?(?<secret>[A-Za-z0-9+/_.~-]{20,400}={0,2})(?![\w(])/gi, isDense),
  hint('unseal-key', ['unseal key'], /Unseal Key \d{1,2}:\s{1,4}(?<secret>[A-Za-z0-9+/]{40,48}={0,2})/gi),
]
