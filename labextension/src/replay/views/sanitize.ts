/**
 * Makes recorded HTML and Markdown harmless: nothing runs, loads, names, styles the player or leads anywhere.
 */

import DOMPurify from 'dompurify';
import type { Config } from 'dompurify';
import { Marked } from 'marked';

const marked = new Marked({ gfm: true, breaks: true });

// An image of any other kind would be fetched, or may script.
const IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*$/i;

// What tables and styled text need; none of them takes an address or leaves its place.
const STYLES = [
  'background-color',
  'border',
  'color',
  'font-family',
  'font-size',
  'font-style',
  'font-weight',
  'padding',
  'text-align',
  'text-decoration',
  'vertical-align',
  'white-space'
];

const purifier = DOMPurify(window);

purifier.addHook('uponSanitizeAttribute', (node, attribute) => {
  if (attribute.attrName === 'style') {
    attribute.attrValue = safeStyle(attribute.attrValue);
    attribute.keepAttr = attribute.attrValue !== '';
  } else if (attribute.attrName === 'src') {
    attribute.keepAttr = node.nodeName === 'IMG' && IMAGE.test(attribute.attrValue);
  }
});

// A link stays readable, and shows where it would lead, but leads nowhere.
purifier.addHook('afterSanitizeAttributes', node => {
  const target = node.getAttribute('href');
  if (target !== null) {
    node.removeAttribute('href');
    node.setAttribute('title', target);
  }
});

// Controls and media that could act or play, and what would restyle the player.
const TAGS = 'area audio button dialog form input map meter option picture progress select source style template textarea';
// What would name, move, focus or fetch something.
const ATTRIBUTES = 'background class contenteditable draggable for hidden id name popover poster srcset tabindex target usemap';

const CONFIG = {
  USE_PROFILES: { html: true },
  ALLOW_DATA_ATTR: false,
  FORBID_TAGS: [...TAGS.split(' '), 'track', 'video'],
  FORBID_ATTR: ATTRIBUTES.split(' '),
  RETURN_DOM_FRAGMENT: true as const
} satisfies Config & { RETURN_DOM_FRAGMENT: true };

export function sanitizeHtml(html: string): DocumentFragment {
  // Even a document that is only parsed tries to take its base from this element, and the console tells of the refusal.
  return purifier.sanitize(html.replace(/<base(?=[\s/>])/gi, '<wbr'), CONFIG);
}

export function renderMarkdown(text: string): DocumentFragment {
  return sanitizeHtml(marked.parse(text, { async: false }));
}

function safeStyle(style: string): string {
  const parsed = document.implementation.createHTMLDocument('').createElement('span').style;
  parsed.cssText = style;
  return STYLES.map(name => [name, parsed.getPropertyValue(name)])
    .filter(([, value]) => value !== '' && !/url|image|var|attr|expression/i.test(value!))
    .map(([name, value]) => `${name}: ${value}`)
    .join('; ');
}
