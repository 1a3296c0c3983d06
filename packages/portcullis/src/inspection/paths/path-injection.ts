/** Decides whether a value that is no path carries one that climbs out of a folder or names what only attackers ask for. */
import { handedValue } from '../views/handed-value.ts'
import { cellsWithin, linesWithin } from '../views/values-within.ts'
import { gated } from '../../core/gated-rules.ts'
import { evidence, type Inspect, type Sighting } from '../finding.ts'

const SIGNS = /\.[./\\;]|[/\\][.~\w[?]|:[/:]|%|\0|^[a-z]+:/i

/** Anywhere in a value. */
const firstMatch = gated([
  {
    reason: 'traversal',
    signs: ['..'],
    pattern: /(?:^|[\s"'`=:,(>[{/\\;])\.{2}[;.]{0,16}[/\\]+(?:\.[;.]{0,16}[/\\]+){1,64}/,
  },
  { reason: 'traversal', signs: ['..'], pattern: /[/\\](?:\.\.;?|\.{4,})[/\\]|^\s*[/\\]?\.\.[/\\]?\s*$/ },
  // What follows the dots is cut off by the one who opens the file, or by a filter.
  {
    reason: 'traversal',
    signs: ['..', '.?'],
    pattern:
      /(?:^|[/\\=])["']?\.\.(?:;[\w=.-]{0,16}|[\s"'|?\0]{1,4})[/\\]|(?:^|[/\\=])(?:\.\?|\?\.)\/|["']\.\.[/\\]["']/,
  },
  // Two dots and a byte that was meant to be a separator to somebody.
  { reason: 'traversal', signs: ['%'], pattern: /(?<!\.)\.\.(?:%{1,2}[0-9a-z]{2}){1,8}(?:\.\.|[\w/\\])/i },
  { reason: 'traversal', signs: ['..'], pattern: /(?:^|["'=:,(>])\.\.[/\\][^\s"']/ },
  {
    reason: 'traversal',
    signs: ['..', '0x2e', '...'],
    pattern:
      /(?:^|[/\\])(?:\.{3,}[/\\]+){1,}\w|\.\.(?:%2f|%5c|%c0%af|%c1%9c|0x2f|0x5c)|(?:0x2e){2}|0x5c0x2e|0x2e\.0x2f/i,
  },
  { reason: 'traversal', signs: ['./', '0x2e', '0x2f'], pattern: /(?:0x2e|\.)\.?\0?(?:0x2f|\/)(?:0x2e|\.)/i },
  {
    reason: 'null-byte',
    signs: ['\0', '%00', '%2500'],
    pattern: /(?:\.\w{1,8}|[\w/\\.-])(?:\0|%00|%2500)(?:\.\w{1,8}|\/|$)/i,
  },
  {
    reason: 'wrapper',
    signs: [':'],
    pattern:
      /(?:^|[\s"'=(:])(?:php|phar|zip|zlib|expect|jar|netdoc|glob|compress\.\w+|ogg|rar|ssh2(?:\.\w+)?|local_file|vfs|bundle|gopher):(?:\/|http|file)|^\s*data:(?:\/\/|text\/(?:plain|php|x-php);base64,)|^\s*(?:classpath|netdoc|url|view-source):[\w/.]/i,
  },
  {
    reason: 'file-url',
    signs: ['file:'],
    pattern: /(?:^|[\s"'=(:>/])file:(?:\/{1,3}|\\)[\w.%/\\]|^\s*file:[\w.-]+(?:[/\\]|\.\w)/i,
  },
  {
    reason: 'unc',
    signs: ['$', 'pipe', 'share'],
    pattern: /^\s*(?:\\{1,2}|\/\/)(?:[\w.-]+|::1|\[[0-9a-f:]+\])[/\\](?:[a-z]\$|admin\$|ipc\$|pipe|share)[/\\]?/i,
  },
  { reason: 'unc', signs: ['@'], pattern: /^\s*\\\\[\w.-]+@(?:ssl|\d{2,5})\b/i },
  { reason: 'stream', signs: ['::$'], pattern: /::\$(?:data|index_allocation)\b/i },
  { reason: 'device', signs: ['\\\\', '//', '\\/', '/\\'], pattern: /^\s*[\\/]{2}[.?][\\/]/ },
  { reason: 'vite-file-system', signs: ['/@fs/'], pattern: /\/@fs\/\S/ },
])

/** Files that hold secrets, by the ends of their paths. */
const SECRET_FILES = new RegExp(
  String.raw`(?:^|[/\\"'=\s>:])(?:etc[/\\]+(?:\.[/\\]+)*(?:passwd|shadow|gshadow|group|sudoers|master\.passwd|security|hosts|crontab|fstab|issue|hostname|resolv\.conf|ssh|mysql|apache2|nginx|subuid|subgid|profile|services)\b-?|` +
    String.raw`proc[/\\]+(?:self|\d+|version|cpuinfo|net|interrupts|mounts|sched_debug)\b|sys[/\\]+(?:class|kernel|devices)\b|` +
    String.raw`(?:windows|winnt)[/\\]+(?:win\.ini|system\.ini|system32|repair|debug|panther)|boot\.ini|win\.ini|ntuser\.dat|system32[/\\]+(?:config|drivers)|` +
    String.raw`var[/\\]+(?:mail|spool|log[/\\]+(?:apache|nginx|httpd|auth|secure|messages|syslog|wtmp|btmp|lastlog))|root[/\\]\.\w|\.ssh[/\\](?:id_|authorized|known|config)|\.aws[/\\](?:cred|config)|\.git[/\\](?:config|head|index)|\.kube[/\\]config|\.docker[/\\]\w|` +
    String.raw`\.(?:htpasswd|htaccess|bash_history|history|mysql_history|netrc|pgpass|npmrc|pypirc|env|git-credentials|my\.cnf)(?:\.\w+)?(?![\w./\\-])|web-inf[/\\]|meta-inf[/\\]|web\.config\b|wp-config\.php|wp-content[/\\]\w+\.log|id_(?:rsa|dsa|ecdsa|ed25519)\b|credentials\.json\b)`,
  'i',
)
/** What servers are set up by and write down, which inclusion asks for; in a sentence or a command line everybody names such files. */
const SERVER_FILES = new RegExp(
  [
    String.raw`^(?=\S+$).*?(?:^|[/\\"'=:])(?:etc[/\\]+(?:httpd|php|samba|redis|vsftpd|proftpd|inetd|exports|cron\.\w+|kubernetes|network|motd|mtab|os-release)\b|(?:tomcat-users\.xml|httpd\.conf|php\.ini|my\.(?:cnf|ini))\b|(?:apache2?|httpd|nginx|lampp|xampp)[/\\]+(?:conf|logs?|etc)[/\\]|inetpub[/\\]+logs|xampp[/\\]`,
    String.raw`|var[/\\]+(?:lib[/\\]+(?:mysql|php|kubelet|cloud|docker)|backups|run[/\\]+docker)|run[/\\]+secrets[/\\]|keychains?[/\\]|\.config[/\\]gcloud|dev[/\\]+(?:fd|stdin|mem|sd[a-z]|tcp)\b|library[/\\]+preferences[/\\])`,
  ].join(''),
  'i',
)
/** Folders of tools that act for people, whose settings are instructions: a hidden folder or file below the root. */
const HIDDEN =
  /(?:^|[\s"'=(,>])\/(?:[\w.-]+\/){0,6}\.(?!well-known\b|\.|github\b|vscode\/extensions)[a-z][\w-]{1,30}(?:\/[\w.-]+|(?=$|[\s"',)}<]))/i

/** Raw or decoded text; give it `inViews`. */
export const pathInjection: Inspect = (value) => {
  if (!SIGNS.test(value)) return NOTHING
  const found = inText(value)
  const handed = found.length === 0 ? handedValue(value) : undefined
  const inHanded = handed === undefined ? found : inText(handed)
  return inHanded.length > 0 ? inHanded : inParts(value)
}

/** A line or a cell may be opened as it is. */
function inParts(value: string): readonly Sighting[] {
  for (const parts of [linesWithin(value), cellsWithin(value)]) {
    for (const part of parts) {
      const found = SIGNS.test(part) ? inText(part) : NOTHING
      if (found.some(({ weight }) => weight !== 'hint')) return found
    }
  }
  return NOTHING
}

function inText(value: string): readonly Sighting[] {
  const match = firstMatch(value)
  if (match !== undefined) return [strong(match.rule.reason, value.slice(match.at))]
  const found = SECRET_FILES.exec(value) ?? SERVER_FILES.exec(value) ?? HIDDEN.exec(value)
  if (found === null) return NOTHING
  // `…` inside of a sentence is how documents name a file.
  const isMention = /[a-z]{2,}[ (]+`[^`\s]{0,80}$/i.test(value.slice(Math.max(0, found.index - 100), found.index + 1))
  return [{ ...strong('secret-file', value.slice(found.index)), ...(isMention && { weight: 'hint' }) }]
}

const NOTHING: readonly Sighting[] = []

const strong = (reason: string, shown: string): Sighting => ({
  family: 'path',
  weight: 'strong',
  reason: `path.${reason}`,
  evidence: evidence(shown),
})
