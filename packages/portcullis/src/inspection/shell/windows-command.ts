/** Decides which pieces of batch files and PowerShell prove a command. Neither has a form that people write by chance. */

import { gated } from '../../core/gated-rules.ts'

const firstMatch = gated([
  {
    reason: 'batch-loop',
    signs: ['%'],
    pattern: /(?:^|[\s&|;"'>@])for\s+(?:\/[dflr]\s*(?:[^%\n]{0,60})?)?%{1,2}[^\s%]{0,20}\s+in\s*\(.{0,200}\)\s*do\b/is,
  },
  {
    reason: 'batch-condition',
    signs: ['exist', 'defined', 'errorlevel', 'cmdextversion'],
    pattern:
      /(?:^|[\s&|;"'>])if\s*(?:\/i\s+)?(?:not\s+)?(?:exist|defined|errorlevel|cmdextversion)\s+\(?["']?(?!(?:as|by|in|on|the|and|or|for|with|an?|to)\b)[\w.:\\%/-]+["')]*\s*(?:[({]|@?(?:echo|cmd|goto|call|set|exit|del|copy|start|if)\b|\.\.\.)/i,
  },
  {
    reason: 'batch-condition',
    signs: ['if/i', '/i '],
    pattern:
      /(?:^|[\s&|;"'>])if\s*\/i\s+(?:not\s+)?(?:\S{1,60}(?:\s*={2,3}\s*|\s+(?:equ|neq|lss|leq|gtr|geq)\s+)|exist\s)\S/i,
  },
  {
    reason: 'batch-condition',
    signs: [' equ', ' neq', ' lss', ' leq', ' gtr', ' geq'],
    pattern:
      /(?:^|[\s&|;"'>])if\s+(?:not\s+)?["'([{]{0,2}[%!\w~:-]{1,40}[%!"')\]}]{0,2}\s+(?:equ|neq|lss|leq|gtr|geq)\s+\S/i,
  },
  {
    reason: 'batch-condition',
    signs: ['=='],
    pattern:
      /(?:^|[\s&|;"'>])if\s+(?:not\s+)?["'([{]{0,2}[\w%!~ :/?-]{1,40}["')\]}]{0,2}\s*={2,3}\s*["'([{]{0,2}[^\n="')\]}]{0,40}["')\]}]{0,2}\s*(?:\(|@?(?:echo|goto|call|set|cmd|cd|exit|copy|del|start|do)\b|\.\.\.)/i,
  },
  {
    reason: 'batch-condition',
    signs: ['=='],
    pattern:
      /^\s*if\s+(?:not\s+)?["'([{]{0,2}[\w%!]{1,40}["')\]}]{0,2}\s*==\s*(?:["'([{]{0,2}%?\d?["')\]}]{0,2}|\w+\s+\w+)\s*$/i,
  },
  {
    reason: 'batch-condition',
    signs: ['=='],
    pattern: /[&|]\s*if\s+(?:not\s+)?[^\s=]{1,20}\s*==\s*\S/i,
  },
  { reason: 'powershell', signs: [']::'], pattern: /\[[a-z][\w.]{2,60}\]::\w{2,40}\s*\(/i },
  { reason: 'batch-expression', signs: ['set /'], pattern: /\bset\s+\/[ap]\b/i },
  {
    reason: 'batch-variable',
    signs: ['%comspec%', '%systemroot%', '%windir%', '%\\\\', '%\\'],
    pattern: /%comspec%|[|&;]\s*["']?%(?:systemroot|windir)%\\|"\|\w+\s+%\w+%\\/i,
  },
  { reason: 'batch-variable', signs: [':~'], pattern: /%\w{2,30}:~-?\d{1,3}(?:,-?\d{1,3})?%/ },
  { reason: 'batch-shell', signs: ['cmd'], pattern: /\bcmd(?:\.exe)?\s*\/[ckv]\b/i },
  {
    reason: 'windows-program',
    signs: ['net', 'sc ', 'route', 'query', 'reg ', 'quser'],
    pattern:
      /[&|;\n]\s{0,4}(?:net1?\s+(?:user|share|view|localgroup|group|use|start|stop|accounts|session|config)|sc\s+(?:query|qc|config|create|delete|start|stop)|route\s+(?:print|add|delete)|query\s+(?:user|session|process)|reg\s+(?:query|add|delete|save|export|copy))(?![\w-])/i,
  },
  { reason: 'batch-echo', signs: ['echo.'], pattern: /(?:^|[&|;\s])@?echo\.\s*>/i },
  {
    reason: 'powershell',
    signs: ['powershell', 'pwsh'],
    pattern:
      /\b(?:powershell|pwsh)(?:\.exe)?["']?\s+(?:[-/](?:e|en|enc\w*|c|command|nop\w*|noni\w*|w|window\w*|ep|exec\w*|file|input\w*)\b|[a-z]:\\|["'&$]|\(?(?:get|set|start|invoke|write|new)-\w)/i,
  },
  {
    reason: 'powershell',
    signs: ['invoke-'],
    pattern:
      /\binvoke-(?:webrequest|restmethod|expression|command|item|wmimethod|mimikatz|cimmethod|shellcode)\s+(?:-\w|["'($]|https?:|[a-z]:\\)/i,
  },
  {
    reason: 'powershell',
    signs: ['iex', 'iwr', 'irm'],
    pattern: /\b(?:iex|iwr|irm)\s*(?:\(|\$|["']|\s-\w|\shttps?:)/i,
  },
  {
    reason: 'powershell',
    signs: ['new-object', 'start-process', '[system.', 'downloadstring'],
    pattern:
      /\b(?:new-object\s+(?:-\w+\s+)?(?:system\.)?net\.|start-process\s+\S|\[system\.(?:convert|text|net|reflection|diagnostics)[\w.]*\]::|downloadstring\s*\()/i,
  },
  {
    reason: 'powershell',
    signs: ['-', '&'],
    pattern:
      /[;|&\n]\s*(?:(?:get|set|start|stop|invoke|new|remove|write|out|add|copy|test|select|import|export|restart|enable|disable|resolve|clear|convert\w*|measure|update|register|unblock|receive|send|wait)-[a-z]{4,30}(?=$|[\s;|&)"'])|&\s*[({]\s*(?:gcm|get-|\$|["']))/i,
  },
  {
    reason: 'windows-program',
    signs: ['regedit', 'certutil', 'mshta', 'bitsadmin', 'rundll32', 'regsvr32', 'wmic', 'schtasks', 'bcdboot'],
    pattern:
      /\b(?:regedit|certutil|mshta|bitsadmin|rundll32|regsvr32|wmic|schtasks|bcdboot)(?:\.exe)?\s*(?:[-/][a-z]|<\s*\w|https?:|[a-z]:\\|javascript:|vbscript:|process\b|\w+\.dll)/i,
  },
])

export function windowsCommand(text: string): readonly [reason: string, evidence: string] | undefined {
  const match = firstMatch(text)
  return match === undefined ? undefined : [`command.${match.rule.reason}`, match.found]
}
