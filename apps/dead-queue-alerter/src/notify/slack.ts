import type { Severity } from '@adtally/alerting';
import type { Message } from '../incidents/message.ts';
import { defineSink, sinkUrl } from './define-sink.ts';
import { sinceText, whereText } from './labels.ts';
import { postJson } from './post-json.ts';
import { fitLines, shorten } from './shorten.ts';

/** Slack's own limits, in characters: what is longer is refused. */
const HEADER_MAX = 150;
const SECTION_MAX = 3_000;
/** Ours below them: all blocks of a message together have a limit, too (`msg_blocks_too_long`). */
const TEXT_MAX = 1_000;
const FIELD_MAX = 500;
const CAUSES_MAX = 2_000;
const FACTS_MAX = 1_500;

/** An incoming webhook: it can add messages, never change one. */
export const slack = defineSink({
  name: 'slack',
  env: { slackUrl: sinkUrl('SLACK_WEBHOOK_URL', { meaning: 'incoming webhook' }) },
  open: ({ slackUrl }, timeoutMs) =>
    slackUrl() === ''
      ? null
      : {
          send: (message, signal) =>
            postJson({ url: slackUrl(), timeoutMs, signal, body: slackBody(message) }),
        },
});

const MARKS: Readonly<Record<Severity, string>> = {
  page: ':rotating_light:',
  warning: ':warning:',
};
const CUT_ENTITY = /&[a-z]*…$/;
const RESOLVED_MARK = ':white_check_mark:';
const TITLES: Readonly<Record<Severity, string>> = { page: 'Page', warning: 'Warning' };

function slackBody(message: Message): object {
  const isResolved = message.status === 'resolved';
  const mark = isResolved ? RESOLVED_MARK : MARKS[message.severity];
  const title = `${isResolved ? 'Resolved' : TITLES[message.severity]}: ${message.alert} (${message.env})`;
  const { summary, causes, bill, firstCommand, facts, runbookUrl } = message;
  return {
    // What notifications and old clients show.
    text: fit(
      [
        `${mark} ${escaped(title)}: ${escaped(summary)}`,
        ...causes.slice(0, 1).map(escaped),
        `Do first: ${escaped(firstCommand)}`,
      ],
      TEXT_MAX,
    ),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: shorten(title, HEADER_MAX) } },
      section(`${mark} *${escaped(summary)}*`),
      {
        type: 'section',
        fields: [
          mrkdwn(`*Since*\n${sinceText(message)}`, FIELD_MAX),
          mrkdwn(`*Where*\n${escaped(whereText(message))}`, FIELD_MAX),
        ],
      },
      ...(causes.length === 0
        ? []
        : [
            section(fit(['*Causes*', ...causes.map((cause) => `• ${escaped(cause)}`)], CAUSES_MAX)),
          ]),
      section(`*For the bill*: ${escaped(bill)}`),
      section(`*Do first*\n\`\`\`${escaped(firstCommand)}\`\`\``),
      ...(runbookUrl === null
        ? []
        : [section(`<${linked(runbookUrl)}|Runbook ${escaped(message.alert)}>`)]),
      { type: 'context', elements: [mrkdwn(fit(facts.map(escaped), FACTS_MAX), FACTS_MAX)] },
    ],
  };
}

function section(text: string): object {
  return { type: 'section', text: mrkdwn(text, SECTION_MAX) };
}

function mrkdwn(text: string, max: number): object {
  // Or Slack would make links of addresses and names that stand in anybody's header.
  return { type: 'mrkdwn', text: cut(text, max), verbatim: true };
}

/** Otherwise text from a header could call a whole channel. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** An address as a link takes it. */
function linked(url: string): string {
  return escaped(url.replaceAll('|', '%7C'));
}

function fit(lines: readonly string[], max: number): string {
  return fitLines(lines, max).replace(CUT_ENTITY, '…');
}

/** Never through the middle of an escaped character. */
function cut(text: string, max: number): string {
  return text.length <= max ? text : shorten(text, max).replace(CUT_ENTITY, '…');
}
