import type { Tokens } from './sql-tokens.ts'

/** What the letters of a shape leave open and the words decide. All take the tokens and where the shape lies in them. */

const WEAK_COMPARISONS: ReadonlySet<string> = new Set([
  'in',
  'between',
  'like',
  'similar',
  'sounds',
  'match',
  'div',
  'mod',
])

/** `1 or 1=1`; not `1 and 2 in stock`. */
export function isConstantPair(tokens: Tokens, at: number, length: number): boolean {
  const weak = tokens.words(at, at + length).some((word) => WEAK_COMPARISONS.has(word))
  if (!weak || /^[c;#)&sS]/.test(tokens.shape.slice(at + length - 1))) return true
  const end = at + length
  return (
    /^[)]*(?:&n[)]*)?(?:[c;#]|$)/.test(tokens.shape.slice(end)) ||
    /^[(]?[nsv][,)]/.test(tokens.shape.slice(end - 1, end + 2))
  )
}

/** `1) and exp(` closes what it did not open; `exp(2) and exp(3)` is mathematics. */
export function leavesBrackets(tokens: Tokens, at: number, length: number): boolean {
  let open = 0
  for (const letter of tokens.shape.slice(0, at + length)) {
    if (letter === '(') open++
    else if (letter === ')' && --open < 0) return true
  }
  return !tokens.shape.slice(at, at + length).includes(')')
}

/** `union values row(1)`, `union table users` */
export function isUnitedList(tokens: Tokens, at: number): boolean {
  const union = tokens.shape.indexOf('U', at)
  const from = tokens.shape[union + 1] === 'A' ? union + 2 : union + 1
  const word = tokens.word(from)
  return word === 'values' || (word === 'table' && /^(?:$|[c;#)])/.test(tokens.shape.slice(from + 2)))
}

const MAX_TERSE_TOKENS = 24
const MAX_TERSE_WORDS = 5

/** A clause, and no sentence: few words that are none of SQL. */
export function isTerse(tokens: Tokens, _at: number, length: number): boolean {
  return length <= MAX_TERSE_TOKENS * 3 && tokens.shape.split('w').length - 1 <= MAX_TERSE_WORDS
}

/** `if(1=1,` */
export function choosesByConstant(tokens: Tokens, at: number): boolean {
  return tokens.words(at, at + 8).some((word) => /^(?:if|iif|nullif|decode)$/.test(word))
}

/** Not `3 < 5` or `1 = 1`, which is arithmetic: by a word or sign of SQL, or texts. */
export function comparesAsDatabase(tokens: Tokens): boolean {
  const words = tokens.words(0, tokens.shape.length)
  const ofSql = words.some((word) => ['<=>', 'like', 'rlike', 'regexp', 'is'].includes(word))
  return (
    ofSql ||
    (tokens.shape.startsWith('s') && tokens.shape.endsWith('s') && words.some((word) => /^(?:!=|<>)$/.test(word)))
  )
}

/** `concat(0x7e,version())`: what a database is asked for about itself, in a value that is nothing but calls. */
export function asksForDatabase(tokens: Tokens): boolean {
  return tokens.words(0, tokens.shape.length).some((word) => OF_DATABASE.has(word))
}

const OF_DATABASE: ReadonlySet<string> = new Set(
  'version user database schema current_user session_user system_user current_database db_name'.split(' '),
)

/** `@@version` and nothing else. */
export function isServerVariable(tokens: Tokens): boolean {
  return /^@@(?:global\.|session\.)?(?:version\w*|hostname|servername|datadir|basedir|tmpdir|language|spid|secure_file_priv)$/.test(
    tokens.word(0),
  )
}

/** `or x=x` */
export function isSameWord(tokens: Tokens, at: number, length: number): boolean {
  const words = tokens.words(at, at + length).filter((_, index) => tokens.shape[at + index] === 'w')
  return words.length === 2 && words[0] === words[1]
}

export function isWhenThen(tokens: Tokens, at: number): boolean {
  const words = tokens.words(at, at + 24)
  return words.slice(1, 3).includes('when') && words.includes('then')
}

/** `time.sleep(5)` is a program, `sleep(5)` behind an operator of SQL is not; packages of Oracle have dots. */
export function isAttackCall(tokens: Tokens, at: number): boolean {
  const { shape } = tokens
  const here = shape[at] === 'Z' ? at : at + 1
  if (shape[at] === '.') return /^(?:utl_|dbms_|master|sys|ctxsys|dbo)/.test(tokens.word(at - 1))
  if (here > 0) return true
  return shape.length <= 12 && /^Z\((?:n[),+*]|[svSZEf(!x]|$)/.test(shape)
}

export function isWaiting(tokens: Tokens, at: number): boolean {
  const from = tokens.shape.indexOf('D', at)
  return tokens.word(from) === 'waitfor' && /^(?:delay|time)$/.test(tokens.word(from + 1))
}

export function isOutfile(tokens: Tokens, at: number): boolean {
  return /^(?:outfile|dumpfile)$/.test(tokens.word(at + 1))
}

/** `update t set a=replace(…)` */
export function setsByFunction(tokens: Tokens, at: number): boolean {
  return tokens.word(at) === 'update' && tokens.word(at + 2) === 'set'
}

/** What begins a statement in a language whose words are English must be followed by what only SQL puts there. */
const STATEMENTS: readonly RegExp[] = [
  /^(?:drop|create|alter|truncate) (?:table|database|user|view|index|schema|login|procedure|function|trigger|column|role|temporary|or)\b/,
  /^(?:truncate|drop) \w+(?:$| (?:--|;|#|\/\*))/,
  /^(?:insert|replace) into [\w.]+/,
  /^delete (?:low_priority |quick |ignore )*from [\w.]+/,
  /^update [\w. ]+ set [\w. ]+ =/,
  /^exec(?:ute)? (?:\(|master|xp_|sp_|immediate|@|sys|')/,
  /^(?:declare|set) @/,
  /^shutdown(?:$| (?:with|--|#|;))/,
  /^waitfor (?:delay|time)/,
  /^(?:grant|revoke) \w+(?: , \w+)* (?:on|to|from)\b/,
  /^merge into \w+ using/,
  /^(?:call|do) \w+ (?:\.|\()/,
  /^copy \w+ (?:from|to)\b/,
  /^load (?:data|xml|_file)/,
  /^backup database/,
  /^begin (?:declare|end|dbms|exec|insert|update|delete|select)/,
  /^if \(/,
  /^print (?:'|@|\d)/,
  /^select (?:[\d'"*@(]|[a-z_]+ \(|null|[\w.]+ (?:,|from|into))/,
  /^(?:use|handler|kill|pragma|attach|detach) \w+(?:$| (?:--|\/\*|[;#=(]))/,
  /^(?:handler \w+ (?:open|read|close)|bulk insert|vacuum into|lock tables?|show (?:tables|databases|schemas|columns|grants|variables|processlist|create|full))\b/,
  /^(?:rename table|reconfigure|dbcc \w+)/,
]

export function isStacked(tokens: Tokens, at: number): boolean {
  const from = tokens.shape.slice(at, at + 24).search(/[DE]/) + at
  const sentence = tokens
    .words(from, from + 8)
    .join(' ')
    .slice(0, 200)
  return STATEMENTS.some((pattern) => pattern.test(sentence))
}

/** Functions and variables that a query asks for to learn about the database, or to build text. */
const RECON: ReadonlySet<string> = new Set(
  `version user database group_concat concat concat_ws char chr load_file current_user unhex hex db_name suser_name system_user
  session_user current_database sqlite_version host_name user_name ascii substring substr mid if iif exp cos sin conv`.split(
    /\s+/,
  ),
)

export function isRecon(tokens: Tokens, at: number, length: number): boolean {
  return tokens.words(at, at + length).some((word) => RECON.has(word) || word.startsWith('@@'))
}

/** `' or 'x` needs a string that holds something; `16" or 18"` are inches, and `"a" or "some words"` is how people search. */
export function holdsText(tokens: Tokens, at: number, length: number): boolean {
  const string = tokens.word(at + length - 1)
  return /[^'"\s]/.test(string) && (string.startsWith("'") || string.length <= 4)
}

/** Of an expression behind an apostrophe, the end that meets the apostrophe of the query; `*''''` is ornament. */
export function reopensApostrophe(tokens: Tokens, at: number, length: number): boolean {
  const string = tokens.word(at + length - 1)
  return string.startsWith("'") && /[^'"\s]/.test(string)
}

/** `1 --` alone may be an odd way to end a line; `1/*` is not. */
export function cutsExpression(tokens: Tokens): boolean {
  return tokens.shape.length > 3 || tokens.word(tokens.shape.length - 1) === '/*'
}

/** Of a name; other languages write `Types::JSON` and `std::string` so. */
const CASTS_OF_NAMES = /^(?:int[248]?|numeric|float[48]|regclass|jsonb)$/
const CASTS =
  /^(?:int[248]?|integer|bigint|smallint|numeric|decimal|float[48]?|double|real|money|bool|boolean|text|varchar|char|bytea|jsonb?|xml|uuid|date|timestamp|timestamptz|time|interval|inet|oid|regclass|regproc|name)$/

/** `current_user::int`, `'{}'::jsonb`: PostgreSQL's alone. */
export function isCast(tokens: Tokens, at: number): boolean {
  if (tokens.word(at + 1) !== '::') return false
  const type = tokens.word(at + 2)
  if (tokens.shape[at] !== 'w' && tokens.shape[at] !== ')') return CASTS.test(type)
  // No other language has a name in lower case behind a call like this at the end of a value.
  if (tokens.shape[at] === ')' && CASTS.test(type) && /^(?:w|=w|=n|=s|c)?$/.test(tokens.shape.slice(at + 3)))
    return true
  return CASTS_OF_NAMES.test(type) && tokens.shape[at + 3] !== '('
}

/** Values of the database that are asked for without brackets, and that nobody calls a field so. */
const NILADIC: ReadonlySet<string> = new Set(
  `current_user session_user system_user current_role current_catalog current_schema current_date current_time current_timestamp
  localtimestamp rownum rowid`.split(/\s+/),
)

/** `1 and current_user=1` */
export function isNiladic(tokens: Tokens, at: number, length: number): boolean {
  return tokens.words(at, at + length).some((word) => NILADIC.has(word))
}

/** `) as total from` */
export function isAliasOfList(tokens: Tokens, at: number): boolean {
  return tokens.word(tokens.shape.indexOf('w', at)) === 'as'
}

/** `or name = "` */
export function endsInOpenQuote(tokens: Tokens, at: number, length: number): boolean {
  const words = tokens.words(at, at + length)
  return words.at(-1)?.length === 1 && words.some((word) => word === 'or' || word === 'and')
}

/** `drop members;--` */
export function isDestruction(tokens: Tokens, at: number): boolean {
  return /^(?:drop|truncate|shutdown|delete)$/.test(tokens.word(at))
}

/** `or '{"a":1}' -> 'a'` */
export function isJsonOperand(tokens: Tokens, at: number, length: number): boolean {
  const string = tokens.shape.slice(at, at + length).indexOf('s')
  return (
    /^'\s*[{[]/.test(tokens.word(at + string)) &&
    /^(?:[.x#+=][&|=+.>]{0,3}[(]?[snw])/.test(tokens.shape.slice(at + length - 1))
  )
}

export function isDeclaration(tokens: Tokens, at: number): boolean {
  return tokens.word(at) === 'declare' && tokens.word(at + 1).length > 1
}

/** `exec xp_cmdshell` */
export function isProcedure(tokens: Tokens, at: number): boolean {
  return /^exec(?:ute)?$/.test(tokens.word(at)) && /^(?:xp_|sp_[a-z]{4})/.test(tokens.word(at + 1))
}

/** `utl_http.request(` */
export function isPackage(tokens: Tokens, at: number): boolean {
  return /^(?:utl_|dbms_|ctxsys$|ordsys$)/.test(tokens.word(at))
}
