/** Forms that interpreters and deserialisers run. */
import type { GatedRule } from '../../core/gated-rules.ts'

export const CODE_RULES: readonly GatedRule[] = [
  { reason: 'prototype', signs: ['__proto__'], pattern: /__proto__\s*["'\]]?\s*(?:[:.[=]|$)|["'[.:]__proto__\b/i },
  { reason: 'prototype', signs: ['constructor'], pattern: /\bconstructor["'\]]{0,2}[.[]{1,2}["']?prototype\b/i },
  {
    reason: 'node',
    signs: ['process', 'require', 'nd_func', 'global.', 'fs.'],
    pattern:
      /\bprocess\s*(?:\.|\[["'`]?)\s*(?:mainModule|binding|env\b|dlopen|_load)|\brequire\s*\(\s*\\?["'`](?:node:)?(?:child_process|fs|vm|net|os)\\?["'`]|_\$\$ND_FUNC\$\$_|\bglobal\.process\b|\bfs\.(?:readFile|writeFile)\w*\s*\(/i,
  },
  {
    reason: 'node',
    signs: ['while'],
    pattern: /\bwhile\s?\(\s?(?:!*\s?(?:true|1|-1|null|undefined|false|0|\[\]|''|``|""|new\s+Date)|\(true\))\s?\)/i,
  },
  {
    reason: 'python',
    signs: ['__', 'os.', 'subprocess', 'pickle'],
    pattern:
      /__(?:import|globals|subclasses|builtins|mro|reduce|bases|getattribute)__|__(?:class|init|code)__\s*(?:\.\s*__|\[|\()|\bos\.(?:popen|system)\s*\(|\bsubprocess\.(?:Popen|call|run|check_output)\s*\(|\bpickle\.loads\b/i,
  },
  {
    reason: 'deserialization',
    signs: ['ro0ab', 'aced0005', '!!', '!ruby', ':"'],
    pattern:
      /(?:^|[^a-z0-9+/])rO0AB[a-z0-9+/]|\baced0005|!!(?:python|javax|java|com\.sun)[./]|!ruby\/(?:object|hash|struct)|(?:^|[;{\s])[OC]:\d{1,3}:"[\w\\]{1,80}":\d{1,4}:\{/i,
  },
  {
    reason: 'deserialization',
    signs: ['processbuilder', 'runtime', 'java', 'functors', 'jdbcrowset', 'xalan', 'templatesimpl'],
    pattern:
      /\b(?:ProcessBuilder|Runtime|java)\b[\w.]{0,80}(?:clonetransformer|forclosure|instantiate(?:factory|transformer)|invokertransformer|prototype(?:clone|serialization)factory|whileclosure)|\bcommons[.-]?collections\d?\.functors\b|com\.sun\.rowset\.JdbcRowSetImpl|org\.apache\.xalan|TemplatesImpl\b/i,
  },
  {
    reason: 'java',
    signs: ['java', 'runtime'],
    pattern:
      /\bjava\.(?:lang\.(?:Runtime|ProcessBuilder|System|Class|ClassLoader|Thread|reflect)|io\.(?:File|Object|Print|Buffered|Byte|Char|Filter|Input|Output|Line|Pip|Push|Random|Reader|Writer|Sequence|String)\w*|net\.(?:URL|Socket)|util\.Scanner|evil|Runtime|ProcessBuilder)|\bjavax\.(?:script|naming)\.|\bgetRuntime\s*\(|\bruntime\.(?:exec|\w{0,20}transformer)\b/i,
  },
  {
    reason: 'php',
    signs: ['<?'],
    pattern:
      /<\?(?:php\b|=)\s*[\w$("'`\\]|<\?\s{1,8}(?:php|echo|system|print|exec|eval|\$)\b|<\?\s{0,8}(?:system|exec|eval|passthru|phpinfo)\s*\(/i,
  },
  {
    reason: 'php',
    signs: ['$'],
    pattern:
      /\$_(?:GET|POST|REQUEST|COOKIE|SERVER|FILES|SESSION|ENV)\s*\[\s*['"]?\w+['"]?\s*\]\s*[()]|\b(?:eval|assert|system|exec|passthru|include|require)(?:_once)?\s*\(\s*\$_/i,
  },
  {
    reason: 'php',
    signs: ['('],
    pattern:
      /\b(?:base64_decode|gzinflate|gzuncompress|str_rot13|create_function|call_user_func(?:_array)?|preg_replace|shell_exec|passthru|proc_open|pcntl_exec|move_uploaded_file|file_(?:get|put)_contents|ini_set|phpinfo|fsockopen|unserialize|array_map)\s*\(\s*(?:["'$)]|\w+\s*\()/i,
  },
  {
    reason: 'php',
    signs: ['('],
    pattern:
      /\(\s*["'](?:system|exec|passthru|assert|phpinfo|shell_exec)["']\s*\)\s*\(|\$\{?\s?\w+\s?\}?\s?\[[^\]]{0,40}\]\s?\(\s?["'\d$)]|\(string\)\s?["']\w+["']\s?\(/i,
  },
  {
    reason: 'php',
    signs: ['php://', 'opcache', 'auto_', 'allow_url'],
    pattern:
      /\bphp:\/\/(?:filter|input|stdin|stdout|memory|temp|output|fd)|\bopcache\.\w+\s*=|\bauto_(?:ap|pre)pend_file\s*=|\ballow_url_include\s*=/i,
  },
  { reason: 'perl', signs: ['@{['], pattern: /@\{\[\s?[^\]]{1,200}\]\}/i },
  {
    reason: 'lookup-chain',
    signs: ['__proto__', 'resolved_model', '_response'],
    pattern: /"\$\d:__proto__|"status"\s*:\s*"resolved_model"|"\$[bB]\d{0,4}(?::\w+)?"\s*[,}].{0,80}"_response"/i,
  },
]
