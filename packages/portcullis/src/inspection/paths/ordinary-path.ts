/**
 * Decides which findings mean nothing in a value that is a path: an absolute path looks like an option of Windows or like a
 * program, and most hidden files are nobody's secret. Which files a tool may touch, only rules and walls can say.
 */
import type { Sighting } from '../finding.ts'

/** Files that hold credentials of people and machines, by the ends of their paths; nobody asks for them by accident. */
const CREDENTIALS = new RegExp(
  [
    String.raw`etc[/\\]+(?:\.[/\\]+)*(?:passwd|shadow|gshadow|sudoers|master\.passwd|security|crontab|cron\.\w+[/\\]|inetd\.conf|exports|ssh|mysql|php|apache2?|httpd|samba|kubernetes|redis|vsftpd|proftpd)\b`,
    String.raw`\b(?:tomcat-users\.xml|httpd\.conf|php\.ini|my\.(?:cnf|ini))\b|(?:apache2?|httpd|nginx|lampp|xampp)[/\\]+(?:logs?[/\\]+)?\w*(?:access|error)[._]log|inetpub[/\\]+logs`,
    String.raw`var[/\\]+(?:mail|spool[/\\]+(?:cron|mail)|lib[/\\]+(?:mysql|php|kubelet|cloud|docker)|backups)[/\\]|run[/\\]+(?:secrets[/\\]|docker\.sock)|keychains?[/\\]|\bsess_\w`,
    String.raw`\.(?:git-credentials|my\.cnf|gnupg)\b|\.config[/\\]gcloud|login data$|windows[/\\]+(?:system\.ini|php\.ini|debug|panther|repair)|passwords?\.txt$|::\$(?:data|index)`,
    String.raw`(?:^|[/\\])(?:proc|sys)[/\\]+\w|wp-content[/\\]\w+\.log|\.(?:claude|cursor|codex|gemini|windsurf|continue)[/\\]`,
    String.raw`\.ssh[/\\](?:id_|authorized|config)|id_(?:rsa|dsa|ecdsa|ed25519)\b`,
    String.raw`\.(?:aws|azure|gcloud)[/\\](?:cred|config|access)|\.kube[/\\]config|\.docker[/\\]config|credentials\.json\b`,
    String.raw`\.(?:htpasswd|netrc|pgpass|npmrc|pypirc|env|bash_history|mysql_history)(?:\.\w+)?$`,
    String.raw`win\.ini|boot\.ini|ntuser\.dat|system32[/\\]+(?:config|drivers)|web\.config\b|wp-config\.php|web-inf[/\\]|\.git[/\\]config`,
  ].join('|'),
  'i',
)
/** Hidden at the very root: nobody works there, but many forget that a server shows it. */
const AT_ROOT = /^[\s"']*\/\.\w/

const isSecret = (value: string, { evidence }: Sighting): boolean =>
  [value, evidence].some((text) => CREDENTIALS.test(text) || AT_ROOT.test(text))

/** A path from its beginning to its end; in prose, code and containers a hidden file is mentioned on purpose. */
const ORDINARY = /^\s*(?:\/|~|\.\/|[A-Za-z]:[\\/])[^\n`"'{}<>]*$|^[^\s`"'{}<>]*$/
/** Steps up and spellings that somebody has to decode; nobody needs them to name a file. */
const DISGUISED = /\.\.|%[0-9a-z]{2}|\\(?:x|u00|\d\d)|0x2[ef]|[?*\0#]|&#|\/\/|\/\.\//i

/** A path and nothing after it: no blank, quote or sign of a shell. */
const PLAIN = /^[\w./\\:@+,=~-]*$/

/** What is left of the sightings in an argument of the role `path`; hidden files become hints. */
export function inOrdinaryPath(value: string, sightings: readonly Sighting[]): readonly Sighting[] {
  if (sightings.length === 0) return sightings
  return sightings.flatMap((sighting): readonly Sighting[] => {
    const { reason } = sighting
    if (reason === 'command.option' && value.trimStart().startsWith('/')) return []
    if (reason === 'command.program' && PLAIN.test(value)) return []
    // Nobody encodes the name of an ordinary file.
    if (sighting.view !== undefined) return [sighting]
    return reason === 'path.secret-file' && ORDINARY.test(value) && !DISGUISED.test(value) && !isSecret(value, sighting)
      ? [{ ...sighting, weight: 'hint' }]
      : [sighting]
  })
}
