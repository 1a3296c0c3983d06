/**
 * Which words in a result speak to the model that reads it. Each rule is evidence for a reader and never a gate: an order
 * that reads like ordinary prose passes all of them (see the guide for what was measured).
 *
 * Rules run over text in lower case with look-alikes folded and white space as one blank. Every repetition is bounded.
 */

export interface PromptRule {
  /** After `prompt.`. */
  readonly reason: string
  /** Literals of which one occurs in whatever the patterns match. */
  readonly signs: readonly string[]
  readonly pattern: RegExp
}

const BEFORE = String.raw`(?:all |any |the |your |of |every |these |those |my |and |everything |what )*`
const PAST = String.raw`(?:previous|prior|above|earlier|preceding|foregoing|existing|original|initial|system|safety|developer|former)`
const ORDERS = String.raw`(?:instruction|prompt|rule|guideline|direction|directive|command|order|message|context|constraint|assignment|task|text|conversation|request|input|document)s?`

export const PROMPT_RULES: readonly PromptRule[] = [
  {
    reason: 'override',
    signs: ['ignor', 'disregard', 'forget', 'override', 'overrule', 'bypass', 'discard', 'neglect', 'stop follow'],
    pattern: new RegExp(
      String.raw`\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|overrul(?:e|ing)|bypass(?:ing)?|discard|neglect|stop following)\b (?:\w+ ){0,3}?${BEFORE}(?:${PAST} (?:\w+ ){0,2}${ORDERS}|${ORDERS} (?:\w+ ){0,2}(?:above|before|given|provided|you (?:were|have|got)|so far)|(?:you (?:have )?(?:been|were) (?:told|given|instructed)|you know|said (?:before|above|so far)|(?:was|were|is) (?:said|written|told) (?:above|before)|instructions?\b))`,
    ),
  },
  {
    reason: 'override',
    signs: ['vergiss', 'ignorier', 'vergessen', 'missachte', 'beachte nicht'],
    pattern:
      /\b(?:vergiss|vergessen sie|ignoriere?n?|missachten?|beachte nicht)\b (?:\S+ ){0,4}?(?:alle[sn]?|bisherige\w*|vorherige\w*|vorige\w*|obige\w*|anweisung\w*|aufgaben?|befehle?|regeln|instruktionen|gesagte\w*|zuvor|davor|oben|dokumente)/,
  },
  {
    reason: 'override',
    signs: ['ignor', 'olvid', 'descart', 'oubli', 'dimentic', 'scord', 'esque'],
    pattern:
      /\b(?:ignor(?:a|e|ez|er|en|ad|are|i)|olvid(?:a|e|ar|en)|descart(?:a|e)|oubli(?:e|ez|er)|dimentic(?:a|ate|are)|scordat?i?|esque[çc]a)\b (?:\S+ ){0,4}?(?:instruc\S+|instruz\S+|consignes?|[óo]rdenes|ordres|regl\S+|r[èe]gles|regole|anterior\S*|pr[ée]c[ée]dent\S*|previ\S+|tudo|todo|tout ce)/,
  },
  {
    reason: 'override',
    signs: [
      '\u0438\u0433\u043d\u043e\u0440',
      '\u0437\u0430\u0431\u0443\u0434',
      '\u5ffd\u7565',
      '\u65e0\u89c6',
      '\u7121\u8996',
      '\u5ffd\u8996',
      '\u7121\u8b56',
      '\u5fd8\u8bb0',
      '\u5fd8\u6389',
      '\ubb34\uc2dc',
      '\u0623\u0647\u0645\u0644',
      '\u062a\u062c\u0627\u0647\u0644',
      '\u0928\u091c\u093c\u0930',
      '\u0905\u0928\u0926\u0947\u0916',
    ],
    pattern:
      /(?:\u0438\u0433\u043d\u043e\u0440\u0438\u0440\S{0,4}|\u0437\u0430\u0431\u0443\u0434\u044c\S{0,3}) (?:\S+ ){0,4}?(?:\u0438\u043d\u0441\u0442\u0440\u0443\u043a\u0446|\u043f\u0440\u0435\u0434\u044b\u0434\u0443\u0449|\u0443\u043a\u0430\u0437\u0430\u043d|\u043f\u0440\u0430\u0432\u0438\u043b|\u0432\u0441\u0451|\u0432\u0441\u0435)|(?:\u5ffd\u7565|\u65e0\u89c6|\u7121\u8996|\u5ffd\u8996|\u5fd8\u8bb0|\u5fd8\u6389).{0,12}(?:\u6307\u4ee4|\u6307\u793a|\u89c4\u5219|\u63d0\u793a|\u4ee5\u4e0a|\u4e4b\u524d|\u524d\u9762)|(?:\u6307\u793a|\u547d\u4ee4|\u6307\u4ee4).{0,6}\u7121\u8996|(?:\uc9c0\uc2dc|\uba85\ub839).{0,8}\ubb34\uc2dc|(?:\u062a\u062c\u0627\u0647\u0644|\u0623\u0647\u0645\u0644).{0,20}\u0627\u0644\u062a\u0639\u0644\u064a\u0645\u0627\u062a/,
  },
  {
    reason: 'new-orders',
    signs: [
      'your new',
      'new instruction',
      'from now on',
      'you are now',
      'instead of',
      'your real',
      'your actual',
      'new task',
      'next task',
      'switch to',
    ],
    pattern:
      /\b(?:(?:here (?:is|are) )?(?:your|the following) (?:new|real|actual|true|only|next) (?:instruction|task|role|objective|goal|prompt|order|persona|assignment)s?\b|new (?:system )?instructions?\s?:|from now on,? (?:you|your|respond|answer|act|always|only)|you are now (?:a|an|in|the|going|my|called|free)\b|switch to (?:developer|dan|debug|god|admin) mode)/,
  },
  {
    reason: 'addresses-model',
    signs: [
      'assistant',
      'language model',
      'llm',
      'chatgpt',
      'claude',
      'gemini',
      'copilot',
      'ai agent',
      'ai model',
      'the agent',
      'if you are an ai',
      'if you are a',
      'dear ai',
      'attention ai',
    ],
    pattern:
      /\b(?:(?:attention|important|note|notice|message|instructions?|hello|hey|dear|hi|urgent)(?: (?:message|note|notice|instructions?))?(?: (?:to|for))?[,:]? (?:the |any |all |every )?(?:ai|llms?|assistants?|chatgpt|claude|gemini|copilot|language models?|ai (?:assistants?|agents?|models?|systems?))\b|if you(?: are|'re) (?:an? |the )?(?:ai|llm|language model|assistant|chatbot|automated|agent reading)|(?:as|you are) an? (?:ai|llm|large language model)[^.]{0,60}(?:must|should|have to|need to)|(?:the )?(?:assistant|ai|model|agent|llm) (?:must|should|shall|has to|needs to|will) (?:now |immediately |first |also |always |not |never ){0,2}(?:call|use|send|ignore|run|execute|include|respond|reply|output|forward|delete|read|open|visit|fetch|follow|tell|mention|say|add|insert|recommend))/,
  },
  {
    reason: 'secrecy',
    signs: [
      'tell',
      'inform',
      'mention',
      'notify',
      'reveal',
      'disclose',
      'without',
      'alert',
      'user',
      'secret',
      'sagen',
      'dites',
      'digas',
    ],
    pattern:
      /\b(?:(?:do not|don't|don’t|never|must not|should not|avoid) (?:ever |also )?(?:tell(?:ing)?|inform(?:ing)?|notify(?:ing)?|alert(?:ing)?|warn(?:ing)?) (?:the |your |any )?(?:user|human|person|operator|owner|customer|anyone|them)|(?:do not|don't|don’t|never|must not) (?:mention|reveal|disclose|show|display|acknowledge|report) (?:this|that|these|any of this|it) (?:\w+ ){0,4}(?:to|in|instruction|message|note|step|prompt|user)|without (?:the |your )?(?:user|human|operator)(?:'s|’s)? (?:\w+ )?(?:knowledge|consent|knowing|noticing|awareness|permission|approval|confirmation)|without (?:telling|informing|notifying|asking|alerting) (?:the |your )?(?:user|human|operator)|sage (?:es |das )?dem (?:benutzer|nutzer) nicht|ne (?:le )?dites? (?:rien|pas) (?:à|a) l'utilisateur|no (?:le )?(?:digas|menciones|informes) (?:esto |nada )?(?:al|a el) usuario)/,
  },
  {
    reason: 'template',
    signs: [
      '<|',
      '[inst',
      '<<sys',
      '[/inst',
      '<start_of_turn',
      '<end_of_turn',
      '### ',
      '<system',
      '</system',
      '<assistant',
      '<human',
      '\n\nhuman',
      '<instructions',
      '<important',
      '<function_calls',
      '<tool_call',
      '<invoke',
      '[system',
      '<|eot',
      '<admin',
      'begin_of_text',
      '</user',
      '</tool',
      '</function',
      '</data',
      '</document',
      '</context',
      '</untrusted',
      '<s>',
    ],
    pattern:
      /<\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|eot_id|start_header_id|end_header_id|begin_of_text|end_of_text|eom_id|python_tag|tool|end|return|call|channel|message|endofprompt|fim_\w{1,10})\|?>?|\[\/?inst\]|<<\/?sys>>|<(?:start|end)_of_turn>|(?:^|[\s>"'])###? ?(?:system|instructions?|assistant|human|new task)(?: prompt| message)?\s?:|<\/?(?:system|assistant|human|important|instructions?|admin|system[_-](?:prompt|message|instruction|reminder)|function_calls|tool_calls?|tool_response|function_results|tool_results?|antml:\w{2,20}|untrusted\w{0,20})(?:\s[^<>]{0,80})?>|<invoke name=|\[system(?: message| prompt| note)?\]|<\/(?:data|document|context|user_?(?:query|input|data)|untrusted\w{0,20})>\s?(?:<|system|now|instructions?|assistant|user|new)/,
  },
  {
    reason: 'role-marker',
    signs: ['system:', 'assistant:', 'human:', 'system prompt:', 'system message', 'developer:'],
    pattern:
      /(?:\\n|[.!?"'>)\]]|^|\n) ?(?:system|developer)(?: (?:prompt|message|instruction|note|override|alert))?: ?(?:you|ignore|the|new|from|please|always|never|do|this|all|override|execute|call|send)|(?:\\n|[.!?"'>)\]]|^) ?(?:human|user): .{1,200}(?:\\n|[.!?"'>)\]]) ?assistant:/,
  },
  {
    reason: 'tool-call',
    signs: ['tool', 'function', '"name"', 'call ', 'invoke', 'use the '],
    pattern:
      /\{ ?\\?"(?:name|tool|tool_name|function|recipient_name)\\?" ?: ?\\?"[\w./:-]{2,64}\\?" ?, ?\\?"(?:arguments|parameters|args|input|tool_input|params)\\?" ?: ?[{\\"]|\\?"(?:tool_calls|function_call)\\?" ?: ?[[{]|\b(?:you must|please|now|then|first|immediately|next,?|you should|always|also|instead,?) (?:\w+ ){0,2}?(?:call|invoke|use|run|execute|trigger) (?:the |this |a |my |your )?[`'"]?[\w.-]{2,50}[`'"]? (?:tool|function|mcp|api|action|command|plugin)\b/,
  },
  {
    reason: 'exfiltration',
    signs: ['http', '@', 'webhook', 'endpoint', 'url', 'mail', 'server'],
    pattern:
      /\b(?:send|forward|upload|post|transmit|exfiltrate|leak|submit|e-?mail|deliver|report|encode|append|bcc|cc)\b (?:\S+ ){0,12}?(?:passwords?|secrets?|credentials?|tokens?|(?:api|private|ssh|secret|access) keys?|conversation|chat history|history|system prompt|context|files?|contents?|data|documents?|messages?|emails?|information|details|records|contacts|code|results?|\.env|everything|it|them|this|summary|list) (?:\S+ ){0,8}?(?:to|via|using|into)\b (?:\S+ ){0,4}?[`'"(<]{0,2}(?:https?:\/\/|[\w.+-]{1,64}@[\w-]{1,63}\.[a-z]{2}|(?:this|the following|my|our) (?:url|webhook|server|endpoint|e-?mail|address))/,
  },
  {
    reason: 'reveals-prompt',
    signs: ['prompt', 'instruction', 'anweisung'],
    pattern:
      /\b(?:reveal|print|show|repeat|output|display|reproduce|return|tell me|give me|spell ?check|write(?: out| down)?|copy|leak|summari[sz]e|translate|list)\b (?:me |us |back |out )?(?:\w+ ){0,4}?(?:(?:system|initial|original|hidden|full|complete|entire|first|above|previous|secret|internal|initialisation|starting|own) (?:\w+ ){0,2}(?:prompts?|instructions?|message)|(?:your|the) (?:prompts?(?: text)?|instructions))\b|(?:zeige?|nenne|wiederhole|gib) (?:\S+ ){0,4}(?:anweisungen|prompts?|instruktionen)\b/,
  },
  {
    reason: 'answer-planting',
    signs: [
      'your response',
      'your answer',
      'your reply',
      'your output',
      'your solution',
      'your code',
      'your summary',
      'your final',
    ],
    pattern:
      /\b(?:include|add|insert|append|embed|place|put|begin|start|end|finish|modify|format|write|encode|rewrite|translate|mention|suggest|recommend|promote|incorporate|fuse|weave|integrate|merge|prefix|render|replace|use|highlight|group|reverse|change|alter|convert|employ|remove|substitute)\b (?:\S+ ){0,14}?(?:in|into|to|of|from|as|with|within|at|for)?\s?(?:(?:the )?(?:beginning|end|start|middle|part) of )?\byour (?:\w+ )?(?:response|answer|reply|output|solution|code(?:base)?|summary|final (?:answer|response))\b/,
  },
  {
    reason: 'jailbreak',
    signs: [
      'do anything now',
      'developer mode',
      'jailbreak',
      'no restrictions',
      'without any restrictions',
      'unfiltered',
      'act as',
      'pretend',
      'roleplay',
      'i want you to act',
      'fungieren',
    ],
    pattern:
      /\bdo anything now\b|\bdeveloper mode (?:enabled|on|output)|\bjailbr(?:eak|oken)\b (?:mode|prompt|yourself)|\b(?:no|without (?:any )?|free (?:of|from) (?:all )?)(?:ethical |moral |content )?(?:restrictions|limitations|filters|guidelines)\b.{0,60}\b(?:you|respond|answer|output)|\b(?:i want you to|you (?:will|must|should)|now|please) (?:act|pretend|behave|roleplay|function) (?:as|like|to be|that you)\b|(?:sie|du) (?:als|nun als) .{3,80} fungier(?:en|st)/,
  },
]
