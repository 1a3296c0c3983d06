/**
 * Which strings are credentials by the code and the data around them: members, calls, elements, and pairs of a name and a value.
 *
 * Facts: the calls are those of the libraries that are named (PHP, JDBC, .NET, Python, PHPMailer, Gradle "Supported protocols for
 * credentials", Kubernetes "EnvVar", .NET "appSettings", WordPress "wp-config.php").
 */
import { isMixed, isRandomKey, isWord, isWrittenKey, isWrittenSecret } from './secret-checks.ts'
import { form, hint, type SecretRule } from './secret-rule.ts'

// biome-ignore format: one context a row
export const CODE_RULES: readonly SecretRule[] = [
  // members
  hint('member', ['password', 'passwd', 'pwd'], /(?<=->|\.)(?:password|passwd|pwd)\s{0,20}=\s{0,4}(?<quote>["'])(?<secret>[^"'\s<>{}$]{4,200})\k<quote>/gi, isWord),
  hint('member', ['pass'], /(?<![A-Za-z])pass["']?\s{0,4}[:=]\s{0,4}(?<quote>["'])(?<secret>[^"'\s<>{}$]{5,200})\k<quote>/gi, isWrittenSecret),
  // pairs of a name and a value
  hint('pair', ['key="', 'name="', "key='", "name='"], /(?:key|name)=["'][^"']{0,60}(?:password|passwd|pwd|secret|token|api[-_.]?key|access[-_.]?key)["']\s{1,4}value\s{0,2}=\s{0,2}["'](?<secret>[^"'{}$<>\s]{5,400})["']/gi, isWrittenSecret),
  hint('pair', ['"name"', '"key"'], /"(?:name|key)"\s{0,4}:\s{0,4}"[^"\n]{0,60}(?:password|passwd|secret|token|api[-_.]?key|access[-_.]?key)"\s{0,4},\s{0,20}"value"\s{0,4}:\s{0,4}"(?<secret>[^"\s{}$<>]{5,400})"/gi, isWrittenSecret),
  hint('pair', ['name:'], /name:[ \t]{1,3}["']?\w{0,60}(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY)["']?[ \t]{0,3}\r?\n\s{0,20}value:[ \t]{1,3}["']?(?<secret>[^\s"'{}$<>]{5,400})/g, isWrittenSecret),
  hint('macro', ['#define'], /#define\s{1,8}\w{0,40}(?:PASS(?:WORD|WD)?|PWD|SECRET|TOKEN|KEY|AUTH)\w{0,12}\s{1,24}["'](?<secret>[^"'\s]{6,200})["']/gi, isWrittenSecret),
  hint('variable', ['env ', 'arg ', 'setenv', 'setx', 'set -'], /(?<![\w-])(?:ENV|ARG|setenv|setx|set -\w{1,3})\s{1,4}\w{0,40}(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_?KEY)\w{0,12}\s{1,4}["']?(?<secret>[^\s"'$<>{}]{8,300})/gi, isWrittenKey),
  hint('pair', ['name="', "name='", '<key>'], /(?:name=["'][^"'\n]{0,40}(?:key|secret|token|password)["']>|<key>[^<\n]{0,40}(?:key|secret|token|password)<\/key>\s{0,20}<string>)(?<secret>[^<>\s]{12,300})<\//gi, isWrittenKey),
  form('kubernetes', ['data:'], /(?<=^kind:[ \t]{1,4}Secret\b(?:(?!\n---)[^]){0,1500})(?:(?<![A-Za-z])|(?<=string))data:[ \t]{0,4}\r?\n(?<secret>(?:[ \t]{1,8}[\w.-]{1,80}:[ \t]{1,4}\S{1,4000}[ \t]{0,4}\r?\n?){1,40})/gm, 'hint'),
  hint('pair', ['password', 'passwd', 'secret', 'token', 'api', 'access'], /(?:password|passwd|secret|token|api[_.-]?key|access[_.-]?key)["']\s{0,4},\s{0,8}["'](?<secret>[^"'\s{}<>$]{6,300})["']/gi, isMixed),
  hint('pair', ['password', 'passwd', 'secret', 'token'], /(?<=\|[ \t]{0,20}[\w .-]{0,30})(?:password|passwd|secret|token)[ \t]{0,20}\|[ \t]{0,20}(?<secret>[^\s|<>{}$]{5,200})[ \t]{0,20}\|/gi, isMixed),
  // elements
  hint('element', ['<pass', '<pwd'], /<(?:password|passwd|passphrase|pass|pwd)>(?<secret>[^<>\s{}$]{5,200})<\//gi, isWord),
  hint('element', ['<secret', '<token', '<api', '<client', '<access', '<private'], /<(?:secret|token|api[-_]?key|client[-_]?secret|access[-_]?(?:key|token)|private[-_]?(?:key|token))>(?<secret>[^<>\s{}$]{12,400})<\//gi, isRandomKey),
  hint('element', ['<password>'], /<password>\s{0,40}<value>(?<secret>[^<>\s]{4,200})<\/value>/gi, isWord),
  hint('element', ['cpassword='], /cpassword=["'](?<secret>[A-Za-z0-9+/=]{16,200})["']/gi),
  // calls
  hint('call', ['api', 'access', 'token', 'secret', 'auth'], /(?:api_?key|token|secret|(?<![a-z])auth|access_?key)\w{0,12}\(\s{0,4}["'](?<secret>[A-Za-z0-9+/_.~-]{16,400}={0,2})["']/gi, isRandomKey),
  hint('call', ['setpassw', 'set_passw'], /set_?passw(?:or)?d\(\s{0,4}["'](?<secret>[^"'\s]{4,120})["']/gi, isWord),
  hint('call', ['login(', 'auth(', 'authenticate(', 'auth=('], /(?:login|auth|authenticate|auth=)\(\s{0,4}["'][^"'\n]{1,100}["']\s{0,4},\s{0,4}["'](?<secret>[^"'\s]{5,120})["']/gi, isWrittenSecret),
  hint('call', ['mysqli', 'mysql_connect', 'mysqldb.connect', 'pymysql.connect', 'getconnection', 'ftp_login', 'imap_open', 'new pdo'], /(?:mysqli(?:_connect)?|mysql_connect|(?:MySQLdb|pymysql)\.connect|getConnection|ftp_login|imap_open|new PDO)\(\s{0,8}["'][^"'\n]{0,160}["']\s{0,8},\s{0,8}["'][^"'\n]{0,80}["']\s{0,8},\s{0,8}["'](?<secret>[^"'\s]{4,120})["']/gi, isWord),
  hint('call', ['credential'], /Credentials?\(\s{0,4}["'][^"'\n]{1,100}["']\s{0,4},\s{0,4}["'](?<secret>[^\s"']{5,120})["']/gi, isWord),
  hint('call', ['directoryentry'], /DirectoryEntry\(\s{0,4}"[^"\n]{1,200}"\s{0,20},\s{0,20}"[^"\n]{1,100}"\s{0,20},\s{0,20}"(?<secret>[^\s"]{5,120})"/g, isWord),
  hint('call', ['define('], /define\(\s{0,4}["']\w{0,30}(?:PASSWORD|PASSWD|SALT|_KEY|SECRET|TOKEN)["']\s{0,8},\s{0,8}(?<quote>["'])(?<secret>(?:(?!\k<quote>)[^\n]){6,200})\k<quote>/g, isWrittenSecret),
  // words of other languages
  form('gradle', ['credentials'], /credentials(?:\([^)\n]{0,60}\))?\s{0,4}\{[^{}]{0,200}?password\s{0,4}=?\s{0,4}["'](?<secret>[^"'\s$]{3,120})["']/g, 'hint'),
  hint('statement', ['identified'], /identified\s{1,4}(?:with\s{1,4}\S{1,60}\s{1,4})?by\s{1,4}(?:password\s{1,4})?["'](?<secret>[^"'\n<>$]{4,120})["']/gi, isWord),
  hint('statement', ['passw'], /(?<=\b(?:with|role|user|login)\b[^;\n]{0,100})passw(?:or)?d\s{1,4}(?:=\s{0,2})?'(?<secret>[^'\n<>${}]{4,120})'/gi, isWord),
  hint('statement', ['passw'], /(?<![\w-])passw(?:or)?d\s{1,4}(?<quote>["'])(?<secret>[^"'\s<>${}]{5,120})\k<quote>/gi, isWrittenSecret),
]
