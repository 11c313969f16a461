// A small GPT in plain JavaScript: the models of a run talk on its page, and nothing is fetched.
// The same forward pass as model/gpt.py, a token at a time, and the tokenizer of
// model/tokenizer.py.
"use strict";

const EPSILON = 1.1920929e-7, LOGIT_SCALE = 3;

function floats(base64) { // 16-bit floats, little-endian
  const raw = atob(base64), out = new Float32Array(raw.length / 2);
  for (let i = 0; i < out.length; i++) {
    const bits = raw.charCodeAt(2 * i) | raw.charCodeAt(2 * i + 1) << 8;
    const power = bits >> 10 & 31, fraction = (bits & 1023) / 1024;
    const size = power ? 2 ** (power - 15) * (1 + fraction) : 2 ** -14 * fraction;
    out[i] = bits & 32768 ? -size : size;
  }
  return out;
}

function times(matrix, x) { // (rows, columns) times (columns,)
  const columns = x.length, out = new Float32Array(matrix.length / columns);
  for (let row = 0, at = 0; row < out.length; row++) {
    let sum = 0;
    for (let i = 0; i < columns; i++) sum += matrix[at++] * x[i];
    out[row] = sum;
  }
  return out;
}

function normed(x, gain) { // RMSNorm
  let square = 0;
  for (const value of x) square += value * value;
  const scale = 1 / Math.sqrt(square / x.length + EPSILON);
  return x.map((value, i) => value * scale * gain[i]);
}

function softmax(logits, temperature = 1) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const parts = Float64Array.from(logits, value => Math.exp((value - most) / temperature));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map(value => value / sum);
}

class Model {
  // `weights` are arrays by their names in torch; `change` maps a name to [left, right], whose
  // product (out, rank) (rank, in) is added.
  constructor(config, weights, change = {}) {
    this.config = config;
    this.weights = { ...weights };
    for (const [name, [left, right]] of Object.entries(change)) {
      const sum = this.weights[name] = Float32Array.from(weights[name]);
      const columns = name.endsWith("down.weight") ? 4 * config.d_model : config.d_model;
      const rank = right.length / columns;
      for (let row = 0; row < sum.length / columns; row++)
        for (let k = 0; k < rank; k++) {
          const factor = left[row * rank + k];
          for (let i = 0; i < columns; i++) sum[row * columns + i] += factor * right[k * columns + i];
        }
    }
  }

  rotated(x, position) { // rotary positions of one token's queries or keys, (D,)
    const { d_model, n_head } = this.config, width = d_model / n_head, half = width / 2;
    const out = new Float32Array(d_model);
    for (let head = 0; head < n_head; head++)
      for (let i = 0; i < half; i++) {
        const angle = position * 10000 ** (-2 * i / width), at = head * width + i;
        out[at] = x[at] * Math.cos(angle) - x[at + half] * Math.sin(angle);
        out[at + half] = x[at + half] * Math.cos(angle) + x[at] * Math.sin(angle);
      }
    return out;
  }

  attended(q, keys, values) { // one token's attention to all so far, (D,)
    const { d_model, n_head } = this.config, width = d_model / n_head;
    const out = new Float32Array(d_model);
    for (let at = 0; at < d_model; at += width) {
      const shares = softmax(keys.map(key => {
        let sum = 0;
        for (let i = at; i < at + width; i++) sum += q[i] * key[i];
        return sum / Math.sqrt(width);
      }));
      values.forEach((value, t) => {
        for (let i = at; i < at + width; i++) out[i] += shares[t] * value[i];
      });
    }
    return out;
  }

  // The last hidden state of a token that follows those in the cache, (D,).
  read(token, cache) {
    const D = this.config.d_model, W = name => this.weights[name];
    let x = W("embedding.weight").slice(token * D, (token + 1) * D);
    for (let layer = 0; layer < this.config.n_layer; layer++) {
      const of = name => W(`blocks.${layer}.${name}.weight`);
      const kept = cache[layer] ??= { keys: [], values: [] };
      const qkv = times(of("attention.qkv"), normed(x, of("attention_norm")));
      const position = kept.keys.length;
      kept.keys.push(this.rotated(qkv.slice(D, 2 * D), position));
      kept.values.push(qkv.slice(2 * D));
      const y = this.attended(this.rotated(qkv.slice(0, D), position), kept.keys, kept.values);
      const added = normed(times(of("attention.out"), y), of("attention_out_norm"));
      x = x.map((value, i) => value + added[i]);
      const up = times(of("feed_forward.up"), normed(x, of("feed_forward_norm")));
      const down = times(of("feed_forward.down"), up.map(value => value > 0 ? value * value : 0));
      const more = normed(down, of("feed_forward_out_norm"));
      x = x.map((value, i) => value + more[i]);
    }
    return normed(x, W("norm.weight"));
  }

  hidden(tokens, cache = []) { // the state after several tokens
    let last;
    for (const token of tokens) last = this.read(token, cache);
    return last;
  }

  logits(hidden) {
    return times(this.weights["embedding.weight"], hidden).map(value => LOGIT_SCALE * value);
  }

  // What it says to a prompt; temperature 0 takes the likeliest token. `first` are the
  // probabilities of the first token.
  answer(tokenizer, prompt, temperature, shift = null) {
    const cache = [], said = [];
    let hidden = this.hidden(prompt, cache), first;
    while (prompt.length + said.length < this.config.block_size) {
      const moved = shift ? hidden.map((value, i) => value + shift[i]) : hidden;
      const logits = this.logits(moved);
      first ??= softmax(logits);
      logits[tokenizer.markers.pad] = -Infinity;
      let token = logits.indexOf(logits.reduce((a, b) => Math.max(a, b), -Infinity));
      if (temperature) {
        let left = Math.random();
        token = softmax(logits, temperature).findIndex(p => (left -= p) < 0);
      }
      if (token < 0 || token >= tokenizer.markers.begin) break;
      said.push(token);
      hidden = this.read(token, cache);
    }
    return { text: tokenizer.decode(said), first };
  }
}

class Tokenizer {
  constructor({ tokens, merges, markers, numbers }) {
    this.tokens = tokens;
    this.markers = markers; // begin, system, user, assistant, end, pad
    this.numbers = numbers; // the id of 0
    this.ids = new Map(tokens.map((token, id) => [token, id]));
    this.ranks = new Map(merges.map((pair, rank) => [pair, rank]));
    this.letters = []; // of each byte its letter in the byte-level alphabet
    for (let byte = 0, extra = 256; byte < 256; byte++) {
      const plain = byte > 32 && byte < 127 || byte > 160 && byte !== 173;
      this.letters.push(String.fromCodePoint(plain ? byte : extra++));
    }
    this.bytes = new Map(this.letters.map((letter, byte) => [letter, byte]));
  }

  piece(text) { // byte-pair encoding of a piece
    let parts = [...new TextEncoder().encode(text)].map(byte => this.letters[byte]);
    for (;;) {
      let best = Infinity, at = -1;
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = this.ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Infinity;
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) return parts.map(part => this.ids.get(part));
      parts.splice(at, 2, parts[at] + parts[at + 1]);
    }
  }

  encode(text) { // numbers to 999 are cut out first, the longest first
    const found = [], spaced = /^ *\p{L}/u.test(text) ? ` ${text}` : text;
    for (const part of spaced.split(/([1-9][0-9]{0,2}|0)/)) {
      if (/^[0-9]+$/.test(part)) found.push(this.numbers + Number(part));
      else for (const piece of part.match(/ ?\p{L}+| ?[^\s\p{L}\p{N}]+(?:\s+$)?|\s+|\p{N}+/gu) ?? [])
        found.push(...this.piece(piece));
    }
    return found;
  }

  prompt(text) {
    return [this.markers.user, ...this.encode(text), this.markers.assistant];
  }

  name(id) { // a token as one reads it
    return id >= this.tokens.length ? "(end)" : this.decode([id]).trim() || "(space)";
  }

  decode(ids) {
    const letters = [...ids.map(id => this.tokens[id]).join("")];
    const text = new TextDecoder().decode(Uint8Array.from(letters, c => this.bytes.get(c)));
    return /^ +\p{L}/u.test(text) ? text.slice(1) : text;
  }
}

// The models of a page: `about` says where in the floats each weight stands.
function unpacked(about, values) {
  const part = ([start, length]) => values.subarray(start, start + length);
  const named = parts => Object.fromEntries(Object.entries(parts).map(
    ([name, place]) => [name, Array.isArray(place[0]) ? place.map(part) : part(place)]));
  const bases = about.bases.map(named);
  return { tokenizer: new Tokenizer(about.tokenizer), shift: about.shift && part(about.shift),
    models: about.models.map(one => ({ ...one,
      model: new Model(about.config, bases[one.base], named(one.change)) })) };
}
