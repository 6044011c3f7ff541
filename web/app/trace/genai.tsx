import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { TimelineSpan } from "../api/types";
import { compact, count, plural } from "../lib/format";
import { traceTokens, type GenAi, type Use } from "../lib/genai";
import { costLabel, costText } from "../lib/genaicost";
import type { Message, MessagePart } from "../lib/messages";
import { BodyBlock } from "../logs/body";
import { Icon } from "../ui/icons";
import { LongText } from "../ui/longtext";
import { Figures } from "../ui/panel";
import { Fact } from "./title";

/** Messages shown at first; a conversation of hundreds is sent again with each call. */
const SHOWN = 30;

/** What was asked of a model, what it answered, and what that took. */
export function Conversation({ said }: { said: GenAi }): JSX.Element {
  const { tokens, tool } = said;
  return (
    <>
      <Figures
        figures={[
          said.requestModel !== null && { label: "Model", value: said.requestModel },
          said.responseModel !== null && { label: said.requestModel === null ? "Model" : "Answered by", value: said.responseModel },
          said.provider !== null && { label: "Provider", value: said.provider },
          said.agent !== null && { label: "Agent", value: said.agent },
          tokens && { label: "Tokens in", value: <Counted value={tokens.input} note={tokens.cached > 0 ? `${count(tokens.cached)} cached` : ""} /> },
          tokens && { label: "Tokens out", value: <Counted value={tokens.output} note={tokens.reasoning > 0 ? `${count(tokens.reasoning)} reasoning` : ""} /> },
          ...said.costs.map((cost) => ({ label: costLabel(cost), title: `${cost.name}, as it was sent`, value: costText(cost.value, cost.currency) })),
          said.finish.length > 0 && { label: "Ended with", value: said.finish.join(", ") },
        ]}
      />
      {said.settings.length > 0 && <p class="hint chat-settings">{said.settings.map(({ name, value }) => `${name} ${value}`).join(" · ")}</p>}
      {tool && (
        <section class="attributes">
          <h3>
            Tool <span class="muted">{tool.name}</span>
          </h3>
          {tool.description && <p class="chat-text">{tool.description}</p>}
          {tool.given !== null && <Block label="Arguments" text={tool.given} />}
          {tool.result !== null && <Block label="Result" text={tool.result} />}
        </section>
      )}
      <Messages messages={said.messages} />
      {said.messages.length === 0 && !tool && <p class="hint">Its messages were not recorded: instrumentations leave them out unless they are told to.</p>}
      {said.tools.length > 0 && (
        <section class="attributes">
          <details class="stack">
            <summary>{plural(said.tools.length, "tool")} on offer: {said.tools.slice(0, 5).map(({ name }) => name).join(", ")}</summary>
            {said.tools.map((each, at) => (
              <BodyBlock key={at} text={each.text} pattern={null} title={`Copy the definition of ${each.name}`} />
            ))}
          </details>
        </section>
      )}
    </>
  );
}

function Counted({ value, note }: { value: number; note: string }): JSX.Element {
  return (
    <>
      {count(value)} {note && <span class="muted">{note}</span>}
    </>
  );
}

function Messages({ messages }: { messages: readonly Message[] }): JSX.Element | null {
  if (messages.length === 0) return null;
  // What was said last is what the call was about.
  const left = Math.max(0, messages.length - SHOWN);
  return (
    <section class="attributes">
      <h3>
        Messages <span class="muted">{count(messages.length)}</span>
      </h3>
      {left > 0 && (
        <details class="stack">
          <summary>{plural(left, "earlier message")}</summary>
          <List messages={messages.slice(0, left)} />
        </details>
      )}
      <List messages={messages.slice(left)} />
    </section>
  );
}

function List({ messages }: { messages: readonly Message[] }): JSX.Element {
  return (
    <ol class="chat">
      {messages.map((message, at) => (
        <li key={at} class={`chat-message chat-${/^(system|user|assistant|tool)$/.test(message.role) ? message.role : "other"}`}>
          <div class="chat-role">
            <b>{message.role}</b>
            {message.finish && <span class="muted">{message.finish}</span>}
          </div>
          {message.parts.map((part, index) => (
            <Part key={index} part={part} />
          ))}
          {message.parts.length === 0 && <p class="muted">(nothing)</p>}
        </li>
      ))}
    </ol>
  );
}

function Part({ part }: { part: MessagePart }): JSX.Element {
  if (part.kind === "text") return <LongText text={part.text}>{(shown) => <p class="chat-text">{shown}</p>}</LongText>;
  if (part.kind === "reasoning") {
    return (
      <details class="stack">
        <summary>Reasoning</summary>
        <LongText text={part.text}>{(shown) => <p class="chat-text muted">{shown}</p>}</LongText>
      </details>
    );
  }
  const label = part.kind === "call" ? `calls ${part.name ?? "a tool"}` : part.kind === "result" ? `answer of ${part.name ?? "a tool"}` : (part.name ?? "");
  return <Block label={label} text={part.text} note={part.id} isCall={part.kind === "call"} />;
}

function Block({ label, text, note = null, isCall = false }: { label: string; text: string; note?: string | null; isCall?: boolean }): JSX.Element {
  return (
    <div class="chat-block">
      <div class="chat-label">
        {isCall && <Icon name="target" size={12} />}
        {label} {note && <code class="muted">{note}</code>}
      </div>
      <BodyBlock text={text} pattern={null} title={`Copy: ${label}`} />
    </div>
  );
}

/** In a row: how many tokens a call of a model took, or several. */
export function TokenMark({ use }: { use: Use | null }): JSX.Element | null {
  if (!use) return null;
  const said = `${count(use.input)} tokens in, ${count(use.output)} out${use.cost === null ? "" : `, cost ${costText(use.cost, use.currency)}`}`;
  return (
    <span class="span-tokens number" title={said}>
      {compact(use.input + use.output)} tok
    </span>
  );
}

/** What the calls of models in a trace took together. */
export function TokenFact({ spans }: { spans: readonly TimelineSpan[] }): JSX.Element | null {
  const sum = useMemo(() => traceTokens(spans), [spans]);
  if (!sum) return null;
  const byModel = sum.byModel.map((use) => `${use.model}: ${plural(use.calls, "call")}, ${count(use.input)} in, ${count(use.output)} out${use.cost === null ? "" : `, cost ${costText(use.cost, sum.currency)}`}`);
  const said = [`${plural(sum.calls, "call")} of a model`, ...byModel, ...(sum.cached > 0 ? [`${count(sum.cached)} tokens from a cache`] : []), ...(sum.reasoning > 0 ? [`${count(sum.reasoning)} tokens of reasoning`] : []), "Spans with such calls below them do not count twice"];
  return (
    <>
      <Fact label="Tokens" value={`${count(sum.input)} in, ${count(sum.output)} out`} title={said.join("\n")} />
      {sum.cost !== null && <Fact label="Cost" value={costText(sum.cost, sum.currency)} title={["As the spans say it, added up", ...byModel].join("\n")} />}
    </>
  );
}
