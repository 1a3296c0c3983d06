/** Decides which pieces of shell syntax prove a command on their own, whatever program follows. */
import { gated } from '../../core/gated-rules.ts'

const firstMatch = gated([
  { reason: 'function-definition', signs: ['()'], pattern: /(?:^\W{0,4}|\n[ \t]{0,8})\(\)\s*\{(?:\s|$|:)/ },
  { reason: 'function-definition', signs: ['()'], pattern: /(?:^|[\s"'=;>])\(\)\s*\{\s*:?\s*;/ },
  {
    reason: 'fork-bomb',
    signs: ['(){', '() {'],
    pattern: /([^\s(){}|;&<>"']{1,20})\(\)\s*\{\s*\1(?:\(\))?\s*[|&]\s*\1/,
  },
  { reason: 'internal-separator', signs: ['ifs'], pattern: /[\w;|&]\$\{?IFS\b|\$\{?IFS\}?(?:\$\d|[\w/\\"'-])/ },
  { reason: 'network-device', signs: ['/dev/'], pattern: /\/dev\/(?:tcp|udp)\/[\w.$]/i },
  {
    reason: 'shell-reads-pipe',
    signs: ['|'],
    pattern:
      /[^|\s]\s*\|\s*(?:sudo\s+)?(?:\/(?:usr\/)?bin\/)?(?:ba|z|k|da|c|tc)?sh\b(?:\s+-\w+)*\s*["'`#;&|)]*\s*(?:$|[<"'#\n])/,
  },
  { reason: 'shell-reads-pipe', signs: ['|'], pattern: /\|\s*\$(?:0|\{0\}|\{?(?:SHELL|BASH)\}?)\s*(?:$|["'`#;&|)<])/ },
  {
    reason: 'program-of-folder',
    signs: ['./'],
    pattern: /[;|&]\s*\.\/[\w-]{1,40}(?:\.(?:sh|py|pl|rb|out|bin|exe|bat|cmd|run))?\s*(?:$|[;|&#"'`])/,
  },
  { reason: 'here-string', signs: ['<<<'], pattern: /[\w`)]\s?<<<\s?["'$(\w`]/ },
  { reason: 'descriptor', signs: ['>'], pattern: /(?:^|[\s\w;&)])(?:\d?>&\s?(?:\d\b|\/dev)|\d<>\s?\/|<&\d)/ },
  {
    reason: 'redirection',
    signs: ['>'],
    pattern: /(?:^|[\w"';&)\s])>{1,2}\s?(?:\/(?:dev|etc|tmp|var|root|home|proc)\/|~\/|["']?[a-z]:\\)\S/i,
  },
  { reason: 'substitution', signs: ['$('], pattern: /\$\(\s*(?:<\s*\/|\$\(|`|cmd\s*\)|[\w/.-]+\s*\$\(\))/ },
  { reason: 'substitution', signs: ['`'], pattern: /\$\{\s*`[^`]+`\s*\}|`[^`]{0,80}\$\([^`]{0,80}`/ },
  { reason: 'substitution', signs: ['<(', '>('], pattern: /(?:^|[\s;&|=])[<>]\((?!\))\s*[\w/.-]+[^)]{0,80}\)/ },
  {
    reason: 'arithmetic',
    signs: ['$'],
    pattern: /\$\(\(\s*(?:\$\(|\d{1,9}(?:\s*[-+*/%]\s*\d{1,9}){0,8}\s*\)\))|\$\[\s*(?:\d+\s*[-+*/]\s*\d+)?\s*\]|\$\$\[/,
  },
  {
    reason: 'trimmed-variable',
    signs: ['${'],
    pattern:
      /\$\{\w{1,20}(?:#{1,2}|%{1,2}|\/\/?|:\d|\^\^?|,,?|@)[^{}]{0,40}(?:\{[^{}]{0,20}\}[^{}]{0,20})?\}|\$\{\w+#\{\}\}/,
  },
  { reason: 'shell-variable', signs: ['shell'], pattern: /\$\{?SHELL\}?\s+-c\b/i },
  {
    reason: 'command-from-variables',
    signs: ['$'],
    pattern: /(?:^|[;&|\s])\w{1,16}=[^\s;&|]{1,40}(?:;|&&)[^\n]{0,120}?\$\{?\w/,
  },
  {
    reason: 'command-call',
    signs: [
      'system',
      'exec',
      'passthru',
      'popen',
      'proc_open',
      'subprocess',
      'spawn',
      'child_process',
      '.start(',
      'deno.',
      'open3',
      'wscript',
      '.command(',
      'command::',
    ],
    pattern:
      /\b(?:system|shell_exec|passthru|popen|proc_open|os\.(?:system|execute)|Process\.Start|subprocess\.\w+|execSync|spawnSync?|child_process\.\w+|execvp?e?|pcntl_exec|Deno\.(?:run|Command)|Bun\.spawn|pty\.spawn|Open3\.\w+|process::Command::new|exec\.Command)\s*\(\s*[[{("'`]|\bWScript\.Shell\b/i,
  },
  {
    reason: 'command-call',
    signs: [
      'os:cmd',
      'system.cmd',
      'io.popen',
      'getoutput',
      '.execute()',
      'createobject',
      'call_user',
      'array_map',
      'assert',
    ],
    pattern:
      /\b(?:os:cmd|System\.cmd|io\.popen|commands\.getoutput|IO\.popen)\s*\(\s*["'`[(]|["']\.execute\(\)|\bCreateObject\s*\(\s*["'](?:WScript|Shell)\.|\b(?:call_user_func(?:_array)?|array_map|assert)\s*\(\s*["'](?:system|exec|passthru|shell_exec|popen)\b/i,
  },
  { reason: 'command-call', signs: ['getruntime'], pattern: /getRuntime\s*\(\s*\)\s*\.\s*exec\b/i },
  { reason: 'command-call', signs: ['!!'], pattern: /!!python\/(?:object|name|module)[\w/]*:/i },
  { reason: 'option-call', signs: ['--exec='], pattern: /--exec=[`$/]/ },
  {
    reason: 'compound',
    signs: ['do', 'then', 'case'],
    pattern:
      /(?:^|[;&|\n`(])\s{0,4}(?:for\s+\w+\s+in\b[^;\n]{0,80};\s*do\b|(?:while|until|if)\s[^;\n]{1,80};\s*(?:do|then)\b|case\s+\S{1,40}\s+in\b[^\n]{1,80};;)/,
  },
  {
    reason: 'function-definition',
    signs: ['(){', '() {'],
    pattern: /(\b\w{1,20})\(\)\s?\{[^}\n]{1,80};\s?\}\s?;\s?\1\b/,
  },
  { reason: 'alias', signs: ['alias'], pattern: /(?:^|[\s;&|"'=>])alias\s+(?:[-+][\w+]{1,4}\s+)*[\w.-]{1,20}=\S/i },
  { reason: 'history-option', signs: ['set -o', 'set  '], pattern: /^\s*set\s+-o\s+\w+\s*$/ },
  {
    reason: 'database-shell',
    signs: ['shell', 'system', '.sh', 'databases', 'import', 'load', 'read', 'output', 'once', 'dump', '."', ".'"],
    pattern: /(?:;|\n|\\n)\s*\.\s?["'\\]{0,2}(?:shell|system|sh|databases|import|load|read|output|once|dump)\b/i,
  },
  {
    reason: 'ruling-variable',
    signs: ['ld_', 'path=', 'env=', 'ifs=', 'pager=', 'opt', 'git_', 'editor='],
    pattern:
      /(?:^|[\s;&|"'`(])(?:LD_(?:PRELOAD|LIBRARY_PATH|AUDIT)|DYLD_\w+|PATH|BASH_ENV|ENV|IFS|PAGER|EDITOR|(?:NODE|PERL5|RUBY|JAVA_TOOL)_?OPT\w*|PYTHON(?:PATH|STARTUP)|GIT_\w+)=[^\s;&|]{1,80}(?:\s+|\s*(?:;|&&)\s*)["']?[\w./-]/,
  },
  { reason: 'change-of-folder', signs: ['cd ', 'cd\t'], pattern: /(?:^|[;&|]\s?)cd\s+[\w./~-]+\s*(?:;|&&)\s*\w/i },
  { reason: 'execution-of-redirection', signs: ['exec'], pattern: /\bexec\s+\d?\s?[<>]{1,2}/ },
])

/** Patterns are bounded, so that all of this is linear. */
export function shellSyntax(text: string): readonly [reason: string, evidence: string] | undefined {
  const match = firstMatch(text)
  return match === undefined ? undefined : [`command.${match.rule.reason}`, match.found]
}
