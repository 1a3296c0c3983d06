/**
 * Which words of a command line are credentials: by the option before them.
 *
 * Facts from the manuals of curl, mysql, redis-cli, ldapsearch, sqlcmd, smbclient, sshpass, PsExec, docker, openssl and PowerShell.
 */
import { isWord, isWrittenSecret } from './secret-checks.ts'
import { form, hint, type SecretRule } from './secret-rule.ts'

// biome-ignore format: one command a row
export const COMMAND_RULES: readonly SecretRule[] = [
  hint('user-flag', ['-u ', '--user'], /(?<![\w-])(?:-u|--user)[ =]\s{0,4}["']?[^\s:"'/]{1,120}:(?<secret>[^\s"'$:/]{5,200})/g, isWord),
  hint('user-flag', ['-u '], /(?<![\w-])-U\s{1,4}["']?[^\s%"'$]{1,60}%(?<secret>[^\s"'%$]{4,100})/g, isWord),
  hint('password-flag', ['-pass', '-pw', '-token', '-secret', '-api', '-auth', '-storepass', '-keypass'], /(?<=(?<![\w-])(?:-|--?[a-z]{1,20}(?:-[a-z]{1,20}){0,2})?)(?<!-no)-(?:password|passwd|passphrase|storepass|keypass|pass|pwd|pw|token|api-?key|secret(?:-?key)?|auth-?token)(?:=|\s{1,4})["']?(?<secret>[^\s"'$<>{}%|&;-][^\s"'$<>{}%|&;]{4,300})/gi, isWrittenSecret),
  hint('login-flag', ['-u'], /(?<![\w-])--?(?:user(?:name)?|u)[ =]\s{0,3}[^\s-]\S{0,80}\s{1,4}[^\n]{0,40}?--?(?:password|passwd|pass|pw)[ =]\s{0,3}["']?(?<secret>[^\s"'$<>{}%|&;-][^\s"'$<>{}%|&;]{3,200})/gi, isWord),
  hint('remote-flag', ['psexec', 'sshpass'], /\b(?:psexec(?:\.exe)?|sshpass)\b[^\n%]{0,160}?\s-p\s{0,4}["']?(?<secret>[^\s%"'$-][^\s%"'$]{3,120})/gi, isWord),
  hint('remote-flag', ['login'], /\blogin\b[^\n|;]{0,160}?\s-p[= ]{1,3}["']?(?<secret>[^\s"'$<>{}|&;-][^\s"'$<>{}|&;]{4,300})/g, isWrittenSecret),
  hint('client-flag', ['mysql'], /\bmysql(?:dump|admin|import|show)?\s[^\n|;]{0,160}?(?<=\s)-p(?<secret>[^\s"'$<>{}[\]|&;=-][^\s"'$<>{}|&;]{3,100})/g, isWrittenSecret),
  hint('client-flag', ['redis-cli'], /\bredis-cli\s[^\n|;]{0,120}?(?<=\s)-a\s{1,3}["']?(?<secret>[^\s"'$<>{}|&;-][^\s"'$<>{}|&;]{4,200})/g, isWord),
  hint('client-flag', ['ldap'], /\bldap(?:search|modify|add|delete|passwd|whoami)\s[^\n|;]{0,200}?(?<=\s)-w\s{1,3}["']?(?<secret>[^\s"'$<>{}|&;-][^\s"'$<>{}|&;]{3,120})/g, isWord),
  hint('client-flag', ['sqlcmd', 'osql', 'isql'], /\b(?:sqlcmd|osql|isql)\s[^\n|;]{0,160}?(?<=\s)-P\s{0,3}["']?(?<secret>[^\s"'$<>{}|&;-][^\s"'$<>{}|&;]{3,120})/g, isWord),
  hint('client-flag', ['net use'], /\bnet use (?:\S{1,60} )?\S{1,120} (?<secret>[^\s/*"'$%<>{}][^\s"'$%<>{}]{3,100}) \/user/gi, isWord),
  hint('client-flag', ['/pass', '/rp'], /(?<=\s)\/(?:password|pass|rp)[:= ](?<secret>[^\s"'/$%<>{}][^\s"'$%<>{}]{3,100})/gi, isWrittenSecret),
  hint('client-flag', ['net user'], /\bnet user \S{1,60} (?<secret>[^\s/*"'$%<>{}][^\s"'$%<>{}]{3,100}) \//gi, isWord),
  hint('client-flag', ['sqlplus'], /\bsqlplus\s[^\n/@]{0,40}?[\w$#]{1,60}\/(?<secret>[^\s@/"'$<>{}]{3,100})@/gi, isWord),
  hint('pass-word', ['pass:'], /(?<=-(?:pass(?:in|out)?|k)\s{1,4}["']?)pass:(?<secret>[^\s"'$<>{}]{4,120})/g, isWord),
  hint('secure-string', ['convertto-securestring'], /ConvertTo-SecureString\s{1,4}(?:-String\s{1,4})?["'](?<secret>[^"'\s$]{4,120})["']/gi, isWord),
  // Lines of switches and routers.
  form('device', ['password 7', 'secret 7', 'key 7'], /(?:password|secret|key) 7 (?<secret>[0-9A-F]{6,80})(?!\w)/g, 'hint'),
  hint('device', ['enable password', 'enable secret'], /enable (?:password|secret)(?: (?:level )?\d{1,2}){0,2} (?<secret>[^\s"'<>{}]{4,80})/gi, isWord),
]
