/** Forms that template engines and expression languages evaluate. */
import type { GatedRule } from '../../core/gated-rules.ts'

/** What betrays an expression inside of the marks: arithmetic of constants, inner names of languages, calls. */
const EVALUATED = String.raw`(?:\d+\s*[*+/-]\s*(?:\d|['"])|['"]\s*\*\s*\d|__\w+__|\bself\s*\.|\bconfig\s*[.[}]|\brequest\s*[.|[]|\b(?:lipsum|cycler|joiner|namespace|url_for|get_flashed_messages)\b|\bconstructor\b|\|\s*attr\b|\bgetClass\b|\bforName\b|\bRuntime\b|\bprocess\s*\.|\brequire\s*\(|\bexec\s*\(|\bsystem\s*[('"]|\bpopen\b|\beval\s*\(|\bT\s*\(|\bnew\s+[a-z]+\.|\bjava\b|\bfreemarker\b|\bFile\s*\.|\bDir\s*\.|\bIO\s*\.|%x[({]|\x60[^\x60]+\x60|@\w+@|\bphpinfo\b|\bpassthru\b|\bscript\b|\bruntime\b|alert\s*\()`

const within = (open: string, close: string): RegExp =>
  new RegExp(`${open}[^{}]{0,300}?${EVALUATED}[^{}]{0,300}?${close}`, 'i')

export const TEMPLATE_RULES: readonly GatedRule[] = [
  { reason: 'template', signs: ['{{'], pattern: within(String.raw`\{\{`, String.raw`\}`) },
  { reason: 'template', signs: ['${'], pattern: within(String.raw`\$\{`, String.raw`\}`) },
  { reason: 'template', signs: ['#{'], pattern: within(String.raw`#\{`, String.raw`\}`) },
  { reason: 'template', signs: ['*{'], pattern: within(String.raw`\*\{`, String.raw`\}`) },
  { reason: 'template', signs: ['<%'], pattern: new RegExp(`<%[=#@-]?[^%]{0,300}?${EVALUATED}`, 'i') },
  {
    reason: 'template',
    signs: ['{%'],
    pattern: new RegExp(`\\{%[^%]{0,300}?(?:${EVALUATED}|\\bimport\\b|\\bdebug\\b|\\bif\\s+(?:True|1)\\b)`, 'i'),
  },
  { reason: 'template', signs: ['<%'], pattern: /<%=?\s*(?:if\s+(?:true|1)\b|\d+\s*\*\s*\d+)/i },
  { reason: 'template', signs: ['<#'], pattern: /<#(?:assign|include|import|list|macro|setting)\b|\?new\s*\(\s*\)/i },
  {
    reason: 'template',
    signs: ['#'],
    pattern:
      /#set\s*\(\s*\$\w+\s*=|#(?:foreach|evaluate|include|parse)\s*\(\s*["'$]|\$\w+\.(?:getClass|class\.inspect|class\.forName)\b/i,
  },
  {
    reason: 'template',
    signs: ['{'],
    pattern: /\{(?:php|\/php|literal|math\s|system\(|self::|\$smarty\.)|\[\/?php\]/i,
  },
  { reason: 'template', signs: ['[['], pattern: /\[\[\s*\$\{[^{}]{1,200}\}\s*\]\]|\[\(\s*\$\{/ },
  {
    reason: 'template',
    signs: ['@'],
    pattern: /@\(\s*\d+\s*[*+]\s*\d+\s*\)|@\{\s*\d+\s*[*+]\s*\d+|@\{\s*var\b|@System\.|@java\.lang/i,
  },
  {
    reason: 'expression-language',
    signs: ['%{', '(#', '#_memberaccess', '@ognl', 't(', 'classloader'],
    pattern:
      /%\{\s*\(?#\w|\(#_?(?:memberaccess|context|dm|cmd)\b|#_memberAccess|@ognl\.|\bT\(\s*java\.|\bclass\.module\.classLoader\b|\bclassLoader\.resources\b/i,
  },
  {
    reason: 'look-up',
    signs: ['${'],
    pattern: /\$(?:\{|\\u007b)[^{}]{0,60}?\bj\s*n\s*d\s*i\s*:|\$\{\s*(?:jndi|script|dns|url|xml)\s*:/i,
  },
  {
    reason: 'look-up',
    signs: ['${'],
    pattern: /\$\{[^{}]{0,80}\$\{[^{}]{0,80}:[^{}]{0,80}\}|\$\{[^{}]{0,40}:-[^{}]{0,40}\$?\}/,
  },
  { reason: 'look-up', signs: ['jndi'], pattern: /\bjndi:(?:ldaps?|rmi|dns|iiop|corba|nis|https?):/i },
]
