/** Decides what behind a word makes it a command: options, places, files, durations, or an end where no sentence ends. */

export const ENDS = /^["']?\s*(?:$|[;|&`)\n\r"'}\]<>#])/
export const FLAG = /^["']?\s+["']?(?:--?[a-z0-9][\w-]*|\+\w{1,3}|\/[a-z?]{1,2})(?=$|[\s=:,;|&"'`)\\@])/i
/** `all -m ping`: behind a word or two. */
export const LATER_FLAG = /^(?:\s+[\w./:@=-]{1,40}){1,2}\s+--?[a-z][\w-]{0,20}(?=$|[\s=])/
/** The root, this folder or everything, and nothing or an option after it; how long to wait. */
const WHOLE_PLACE = /^["']?\s+(?:[/~.*]|\.\.)(?:\s+-\w|\s*(?:$|[;|&)`"'#}]))/
export const DURATION = /^["']?\s+(?:\d{1,6}(?:\.\d+)?[smhd]?|\$\(\(.{1,20}\)\))\s*(?:$|[;|&)`"'#}])/
/** One word or two and the end of the command. */
export const FEW_ARGUMENTS = /^(?:\s+[\w./$%*~:@-]{1,64}){1,2}\s*(?:$|[;|&)`"'#}>])/
export const WAITS = /^(?:u?sleep|timeout|waitfor)$/i
/** What stands before a sign that was put behind a value: a quote that was closed, a number, an extension. */
export const ENDED_VALUE = /(?:["')\]}`;|&]\s*|\d|\.\w{2,4})$/
/** Words between signs of one kind, such as `id;name;date;host` or `cat|dog|cow|pig`, are a list or the heads of a table. */
export const LEAST_LIST = 4
const PLACE =
  /^["']?\s*(?:\s|(?=[$"'<]))["']?(?:[/~]\/?[\w.*?[$%-]|\.{1,2}[/\\]|[a-z]:[\\/]|\\\\[\w.]|(?:https?|ftp|file|ldap):|\$[\w({@*]|%\w+%|<{1,3}\s*[\w/'"(&$]|>{1,2}\s*[\w/'"(&$]|\d{1,3}(?:\.\d{1,3}){3}|localhost\b)/i
export const FILE = /^["']?\s+["']?[\w*?[\]{}$/-]+\.[a-z*?][\w*?-]{1,9}(?=$|[\s/;|&"'`):<>])/i
/** A folder that every Unix or Windows has. */
export const SYSTEM_PLACE =
  /^["']?\s+(?:-\S+\s+)*["']?(?:\/(?:etc|bin|usr|var|tmp|home|root|proc|dev|opt|sbin|sys|mnt|boot|lib)\b|[a-z]:\\(?:windows|users|inetpub|boot)|~\/\.)/i
export const PROSE = /^,?(?:\s+["'(]?[a-z]{2,}[,.;:]?){3}/
export const PROGRAM_FOLDER = /^(?:\/(?:usr\/(?:local\/)?)?s?bin\/|(?:\.\/)?s?bin\/|[a-z]:\\windows\\(?:system32\\)?)/i

export const hasArguments = (rest: string): boolean => FLAG.test(rest) || PLACE.test(rest) || WHOLE_PLACE.test(rest)
