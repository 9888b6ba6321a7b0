import type { Message } from '../incidents/message.ts';
import { defineSink, sinkUrl } from './define-sink.ts';
import { postJson } from './post-json.ts';

/** Slack's own limits, in characters. */
const HEADER_MAX = 150;
const SECTION_MAX = 3_000;

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

const MARKS: Readonly<Record<Message['status'], string>> = {
  firing: ':rotating_light:',
  resolved: ':white_check_mark:',
};

function slackBody(message: Message): object {
  const mark = MARKS[message.status];
  const title = `${message.alert} (${message.env}): ${message.status}`;
  return {
    text: `${mark} ${escaped(title)}: ${escaped(message.summary)}`,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cut(escaped(title), HEADER_MAX) } },
      section(`${mark} ${escaped(message.summary)}`),
      section(escaped(message.description)),
      section(`Runbook: ${escaped(message.runbookUrl)}`),
    ],
  };
}

function section(text: string): object {
  return { type: 'section', text: { type: 'mrkdwn', text: cut(text, SECTION_MAX) } };
}

/** Otherwise text from a header could call a whole channel. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Never through the middle of an escaped character. */
function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/&[a-z]*$/, '')}…`;
}
