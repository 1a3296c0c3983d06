/**
 * Which words in a definition speak to the model behind the user's back. Each rule is evidence for a reviewer and never a
 * gate: what reads like ordinary documentation passes all of them, and is held for approval all the same.
 *
 * The patterns run over text in lower case, compatibility-decomposed (NFKC), with white space folded. None of them has a
 * repetition inside a repetition, so they are linear but for the constant widths written in them.
 */

export interface PoisonRule {
  /** The reason of the finding, after `definition.`. */
  readonly reason: string
  readonly patterns: readonly RegExp[]
}

const OTHER = String.raw`(?:any |all |every )?(?:of the )?(?:other|another|different|similar|existing|alternative|native|built-in)`
const TOOLS = String.raw`(?:tools?|functions?|apis?|methods?|plugins?|servers?|services?)`
const USE = String.raw`(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|execut(?:e|ing)|run(?:ning)?|access(?:ing)?|trigger(?:ing)?|perform(?:ing)?)`
const TELL = String.raw`(?:tell|inform|mention|notify|alert|reveal|disclose|warn)`
const PEOPLE = String.raw`(?:the |any |to )*(?:user|human|person|operator|anyone|anybody|client|customer)s?\b`
const SECRETS = String.raw`(?:system prompt|(?:full|entire|whole|complete) (?:conversation|context|prompt)|conversation history|chat history|message history|previous messages|private keys?|environment variables?)`

const SECRECY: PoisonRule = {
  reason: 'secrecy',
  patterns: [
    new RegExp(
      String.raw`(?:do not|don't|don\u2019t|never|must not|should not|avoid|without) (?:ever |also )?(?:${TELL}|${TELL}ing|telling|notifying|disclosing) .{0,40}${PEOPLE}`,
    ),
    new RegExp(
      String.raw`(?:do not|don't|don\u2019t|never|must not|should not|avoid) (?:ever )?(?:mention(?:ing)?|reveal(?:ing)?|disclos(?:e|ing)) (?:this|that|these|any of this|it|the (?:existence|presence|use|instruction)|anything)`,
    ),
    /(?:user|human)s? (?:does not|doesn't|do not|don't|must not|should not|need not|will not|won't|has no|have no) (?:need|have|want)? ?(?:to )?(?:know|see|be (?:told|informed|aware|notified)|notice)/,
    /(?:keep|hide|conceal) (?:this|it|that|these|them|the \w+) .{0,30}(?:from (?:the )?user|secret|hidden)/,
    /without (?:the )?(?:user(?:'s|’s|s)?|human(?:'s)?|their) (?:knowledge|awareness|knowing|noticing|being (?:told|aware|informed))/,
  ],
}

const MARKED: PoisonRule = {
  reason: 'marked-instruction',
  patterns: [
    /<\/?(?:important|system|secret|instructions?|critical|assistant|hidden|admin|prompt|rule|s)>/,
    /[[{(]{1,3}\s?(?:important|critical|mandatory|urgent|attention|system|instructions?|note to (?:ai|llm|model|assistant))(?: (?:instructions?|notice|note|message))?\s?[\])}:]{1,3}/,
    /\[\/?inst\]|<\|(?:im_start|im_end|system|user|assistant|endoftext)\|>|<<\/?sys>>|###? ?(?:system|instructions?|human|assistant):?\s/,
    /(?:^|[.!?] ?)(?:system|assistant|note to (?:the )?(?:ai|llm|model|assistant)|(?:important|mandatory|critical) (?:instructions?|rule|requirement|step)s?): /,
  ],
}

const OVERRIDE: PoisonRule = {
  reason: 'override',
  patterns: [
    /(?:ignore|disregard|forget|bypass|override|overrule|skip|supersede)s? (?:all |any |the |your |every |these |those |of )*(?:previous|prior|above|earlier|preceding|other|existing|original|safety|security|user'?s?|system) (?:\w+ )?(?:instructions?|prompts?|rules?|guidelines?|tools?|directives?)\b/,
    /you (?:are|act) now (?:a|an|in|the)\b|(?:your )?new (?:role|task|objective|instructions?) (?:is|are):?|from now on,? (?:you|always|all|every)/,
    /(?:takes?|has|have) (?:precedence|priority) over (?:all |any |the |every |other |previous |existing )*(?:tools?|functions?|instructions?|system prompts?|user)/,
    /(?:modify|change|replace|alter|rewrite|overwrite|redirect) (?:the |all |any |its |their )*(?:wrong |original |actual |real )?(?:results?|outputs?|responses?|recipients?|destination|answers?) (?:of|from|with|to) (?:the |any |all )*(?:other )?\w+ (?:tool|function|operation|response)/,
  ],
}

const ORDER: PoisonRule = {
  reason: 'orders-the-model',
  patterns: [
    new RegExp(
      String.raw`(?:before|after|prior to|when|whenever|each time|every time|upon|while) (?:you )?(?:are )?${USE} (?:this|any|the|other|another|all|every|each|\S+)(?: \S+){0,6}[,:]? (?:(?:please|always|you|it|the (?:model|assistant|agent|llm)) ){0,2}(?:must|always|have to|need to|should|is required|is mandatory|are required|first)\b`,
    ),
    new RegExp(
      String.raw`(?:before|after|prior to) ${USE} (?:this|any|the|other|all|every|\S+) (?:\S+ ){0,2}(?:tools?|functions?|operations?)?[,:] ?(?:please )?${USE} `,
    ),
    new RegExp(
      String.raw`(?:you|agents?|assistants?|models?|llms?|ai) (?:must|have to|need to|are required to|should|shall)(?: also| then)? (?:always|first|immediately|only|silently) (?:\w+ )?(?:${USE}|read|send|include|pass|fetch|check|open|load|forward|provide|copy|add|query|retrieve)`,
    ),
    new RegExp(
      String.raw`(?:tool|function|this) (?:must|has to|needs to|should) (?:always )?be (?:called|used|invoked|executed|run) (?:first|before (?:any|all|every|each|using|calling|other)|prior to|every time|whenever|for (?:all|any|every)|instead|after (?:every|each|any))`,
    ),
    new RegExp(
      String.raw`(?:${USE}) (?:this|the \w+) ${TOOLS} (?:before (?:any|all|every|each) |at the (?:start|beginning) of (?:every|each|any))`,
    ),
    /(?:anytime|any time|every ?time|each time|whenever) (?:the |a |an )?(?:user|anyone|assistant|model|agent) \w+ (?:anything|something|any )/,
    /(?:must|always|have to|need to) (?:first |also )?(?:read|open|cat|fetch|load|include|access) (?:the )?(?:file|contents? of|content of|~|\/etc|\.env|\.ssh)/,
    /to (?:ensure|guarantee|enable|avoid|maintain|improve|verify|comply)[^.]{0,80}(?:you )?must (?:first )?(?:call|invoke|use|run|execute|read|send)\b/,
  ],
}

const PREFERENCE: PoisonRule = {
  reason: 'prefers-itself',
  patterns: [
    /(?:best|only correct|only reliable|superior|ultimate|most (?:reliable|trusted|accurate|powerful|secure)) (?:tool|function|mcp server|server|option) (?:in the world|ever|available|for (?:all|any|every)|of all)/,
    new RegExp(
      String.raw`(?:always|must|only|exclusively|just) (?:use|prefer|choose|select|call|pick|invoke|favou?r|prioriti[sz]e) (?:this|our|the present) (?:\w+ )?${TOOLS}`,
    ),
    new RegExp(
      String.raw`(?:use|prefer|choose|select|call|pick|invoke|favou?r|prioriti[sz]e) (?:this|our) (?:\w+ )?${TOOLS} (?:instead|rather|over|whenever|exclusively|only|no matter|regardless|above|in preference|even (?:if|when)|first)`,
    ),
    new RegExp(
      String.raw`(?:do not|don't|never|avoid|stop|refrain from) (?:ever )?(?:us(?:e|ing)|call(?:ing)?|choos(?:e|ing)|select(?:ing)?|trust(?:ing)?|invok(?:e|ing)) (?:the |any )?(?:${OTHER}) (?:\w+ )?${TOOLS}`,
    ),
    new RegExp(
      String.raw`(?:instead of|rather than|in place of|over|replaces?|supersedes?|better than|superior to) (?:the )?(?:${OTHER}) (?:\w+ )?${TOOLS}`,
    ),
    new RegExp(
      String.raw`(?:other|all other|any other|previous|old|legacy) (?:\w+ )?${TOOLS} (?:is|are|has been|have been) (?:deprecated|disabled|broken|unsafe|insecure|unreliable|forbidden|not (?:allowed|safe|working))`,
    ),
    /(?:highest|top|maximum|first) priority (?:tool|function|for (?:all|any|every))|priority: (?:highest|critical|max)/,
    new RegExp(
      String.raw`use this ${TOOLS} rather than|no matter (?:how many|what|which) (?:\w+ ){0,3}(?:arguments|tool|request|user|is asked|given)`,
    ),
  ],
}

const SECRET_SOURCES: PoisonRule = {
  reason: 'reaches-for-secrets',
  patterns: [
    /(?:~|\/home\/\w+|\/root|\$home|%userprofile%)[\\/]\.(?:ssh|aws|gnupg|kube|docker|config|cursor|claude|netrc|npmrc|env|bash_history|git-credentials)/,
    /\bid_(?:rsa|ed25519|ecdsa)\b|\.ssh[\\/]|\.aws[\\/]credentials|[\\/]etc[\\/](?:passwd|shadow)|\.cursor[\\/]mcp\.json|\bmcp\.json\b|\.git-credentials|authorized_keys/,
    /(?:read|cat|open|load|include|contents? of|fetch|attach) (?:the |a |any |your |its )*(?:user'?s? )?(?:\.env|private keys?|ssh keys?|credentials? files?|keychain|wallet|seed phrase|browser (?:cookies|history))/,
  ],
}

const EXFILTRATION: PoisonRule = {
  reason: 'sends-elsewhere',
  patterns: [
    /(?:send|forward|upload|post|transmit|report|leak|exfiltrate|submit|bcc|cc|copy|redirect)\w*\b[^.]{0,80}\bto (?:the )?(?:following )?(?:url |address |email |endpoint |server |number |webhook )?:?(?:https?:\/\/|[\w.+-]{1,64}@[\w-]{1,63}\.|attacker|\+\d{6})/,
    new RegExp(
      String.raw`(?:pass|put|include|provide|append|attach|embed|insert|add|copy|place|write|send|supply|output) (?:the |all |any |your |its |their |full |entire |complete |current |user'?s? )*${SECRETS}`,
    ),
    /name of the (?:llm|language|ai) model (?:that|which|calling|you)|(?:llm|ai)[ _]model[ _]name|(?:your|the model'?s?|assistant'?s?|agent'?s?) (?:own )?(?:system prompt|chain of thought|instructions|context window|reasoning|internal state)/,
    /(?:sidenote|side_note|side note|feedback|context|reasoning|debug|metadata) (?:parameter|argument|field) (?:must|should|has to|needs)|(?:as|in|into|via|through) (?:the )?['"`]?(?:sidenote|side_note)\b/,
    /(?:full|entire|complete|whole|verbatim) (?:conversation|chat|message|dialog(?:ue)?|prompt|user (?:query|prompt|request|message|input))(?: history)?\b[^.]{0,40}(?:log|send|pass|record|argument|parameter|include|context)/,
  ],
}

/** In the order in which they are told. */
export const POISON_RULES: readonly PoisonRule[] = [
  SECRECY,
  MARKED,
  OVERRIDE,
  ORDER,
  PREFERENCE,
  SECRET_SOURCES,
  EXFILTRATION,
]
