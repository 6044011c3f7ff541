import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { shapeOf, type ApiDocument, type Schema } from "../lib/openapi";
import { Icon } from "../ui/icons";
import { inline } from "./prose";

interface Props {
  document: ApiDocument;
  schema: Schema;
  /** Of a request a field may be required, of an answer it may be missing: what is usual is not said. */
  isAnswer: boolean;
}

/** The fields of a schema, one level at a time: what is within opens when somebody wants it. */
export function SchemaTree({ document, schema, isAnswer }: Props): JSX.Element {
  const { type, description, fields, variants } = shapeOf(document, schema);
  if (fields.length === 0 && variants.length === 0) {
    return (
      <p class="api-plain">
        <code>{type}</code> {inline(description)}
      </p>
    );
  }
  return (
    <ul class="api-fields">
      {variants.map(([name, variant]) => (
        <Field key={name} document={document} name={`either ${name}`} schema={variant} isAnswer={isAnswer} required={isAnswer} />
      ))}
      {fields.map(([name, field, required]) => (
        <Field key={name} document={document} name={name} schema={field} isAnswer={isAnswer} required={required} />
      ))}
    </ul>
  );
}

function Field({ document, name, schema, isAnswer, required }: Props & { name: string; required: boolean }): JSX.Element {
  const [open, setOpen] = useState(false);
  const { type, description, notes, fields, variants } = shapeOf(document, schema);
  const hasMore = fields.length > 0 || variants.length > 0;
  return (
    <li class="api-field">
      <div class="api-field-head">
        {hasMore ? (
          <button type="button" class={open ? "api-fold open" : "api-fold"} aria-expanded={open} onClick={() => setOpen(!open)}>
            <Icon name="chevron" size={12} />
            <code>{name}</code>
          </button>
        ) : (
          <code class="api-leaf">{name}</code>
        )}
        <span class="api-type">{type}</span>
        {required !== isAnswer && <span class="muted">{isAnswer ? "may be missing" : "required"}</span>}
      </div>
      {(description !== "" || notes.length > 0) && (
        <p class="api-field-text">
          {inline(description)} {notes.length > 0 && <span class="muted">{inline(`(${notes.join(", ")})`)}</span>}
        </p>
      )}
      {open && <SchemaTree document={document} schema={schema} isAnswer={isAnswer} />}
    </li>
  );
}
