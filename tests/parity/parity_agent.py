"""Cases of the language model with its resamplers: training, generation, LoRA checkpoints."""

from __future__ import annotations

import re
from typing import Any

import torch
from parity_case import Report
from parity_text import tokenizer
from peft import LoraConfig, get_peft_model
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from seedx_sdk.checkpoints.state_dicts import grow_vocabulary, merge_agent_state
from seedx_sdk.model.config import LVLMConfig, ResamplerConfig
from seedx_sdk.model.generation import ImageTokenRule
from seedx_sdk.model.lvlm import LVLM, LVLMOutput
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.prompts import story_window
from seedx_sdk.tokens import clean_text, input_mask
from tests.support.generation import Generated, generate, generate_one_by_one

LORA_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "down_proj", "up_proj"]


def llama(config: dict[str, Any]) -> LlamaForCausalLM:
    """Build a LLM from a case's sizes."""
    sizes = {name: value for name, value in config.items() if name not in ("bos", "eos", "rope_theta")}
    rope = {"rope_type": "default", "rope_theta": config.get("rope_theta", 10000.0)}
    model: LlamaForCausalLM = LlamaForCausalLM(LlamaConfig(**sizes, rope_parameters=rope)).eval()
    return model


def agent(config: dict[str, Any]) -> LVLM:
    """Build the agent from a case's constructor arguments."""
    surroundings = LVLMConfig(
        input_resampler=ResamplerConfig.from_dict(config["input_resampler"]),
        output_resampler=ResamplerConfig.from_dict(config["output_resampler"]),
        add_patch_pos=config.get("add_patch_pos", True),
        vit_down=config.get("vit_down", True),
        rec_loss=config.get("rec_loss", "mse" if config.get("mse", True) else "cosine"),
        lm_loss_scale=config.get("lm_loss_scale", 1.0),
        rec_loss_scale=config.get("rec_loss_scale", 6.0),
    )
    return LVLM(llama(config["llm"]), surroundings).eval()


def run_train(report: Report) -> None:
    case = report.case
    tokens = tokenizer(report).token_ids(case.config["output_resampler"]["grid_size"] ** 2)
    model = agent(case.config)
    model.load_state_dict(merge_agent_state(case.weights()))
    optional = ("image_embeds", "ids_cmp_mask", "ids_gen_mask", "embeds_cmp_mask", "embeds_gen_mask", "patch_positions")
    given = {name: case.input(name) for name in optional if case.has_input(name)}
    output = model(case.input("input_ids"), case.input("labels"), **given)
    if case.has_input("ids_cmp_mask"):
        inside = torch.tensor([input_mask(row, tokens) for row in case.input("input_ids").tolist()])
        drawn = case.input("ids_gen_mask") if case.has_input("ids_gen_mask") else torch.zeros_like(inside)
        report.check("ids_cmp_mask", bool((inside & ~drawn == case.input("ids_cmp_mask")).all()), True)
    _compare_training(report, output, case.input("ids_gen_mask") if case.has_input("ids_gen_mask") else None)


def _compare_training(report: Report, output: LVLMOutput, ids_gen_mask: Tensor | None) -> None:
    report.close("total_loss", output.total_loss)
    report.close("lm_loss", output.lm_loss)
    report.close("rec_loss", output.rec_loss)
    if report.expects("n_supervised_tokens"):
        report.equal("n_supervised_tokens", output.num_tokens)
    if report.expects("logits_at_first_supervised_positions"):
        expected = report.case.tensors["outputs/logits_at_first_supervised_positions"]
        report.close("logits_at_first_supervised_positions", output.logits[: expected.shape[0]])
    if report.expects("last_hidden_at_gen_positions"):
        hidden = output.hidden_states
        report.close("last_hidden_at_gen_positions", hidden[:0, 0] if ids_gen_mask is None else hidden[ids_gen_mask])
    if report.expects("recon_image_embeds"):
        recon = output.recon_image_embeds
        report.close("recon_image_embeds", recon if recon.shape[0] else recon.new_zeros(0))


def run_generation(report: Report) -> None:
    names = tokenizer(report)
    for answer in _answers(report, names):
        _compare_generation(report, answer, names.decode(answer.text_ids))


def _answers(report: Report, names: Tokenizer) -> tuple[Generated, Generated]:
    """Return our answer to a case's prompt, and the one of the reference's loop of single tokens."""
    case = report.case
    tokens = names.token_ids(case.inputs["num_img_gen_tokens"])
    ids = case.input("input_ids")
    report.check("prompt ids", [names.bos_id, *names.encode(case.inputs["prompt"])], ids[0].tolist())
    model = agent(case.config)
    model.load_state_dict(merge_agent_state(case.weights()))
    optional = ("image_embeds", "ids_cmp_mask", "embeds_cmp_mask", "patch_positions")
    given = {name: case.input(name) for name in optional if case.has_input(name)}
    if "ids_cmp_mask" in given:
        report.check("ids_cmp_mask", input_mask(ids[0].tolist(), tokens), given["ids_cmp_mask"][0].tolist())
    embeds = model.embed(ids, **given)
    budget, last = case.inputs["max_new_tokens"], int(ids[0, -1])
    rule = ImageTokenRule(tokens, blocked=0.0)
    return (
        generate(model, embeds, tokens, max_new_tokens=budget, last_id=last, rule=rule),
        generate_one_by_one(model, embeds, tokens, max_new_tokens=budget, last_id=last),
    )


def _compare_generation(report: Report, answer: Generated, text: str) -> None:
    report.equal("generated_ids", answer.token_ids)
    report.equal("text_mask", answer.text_mask)
    report.equal("text", text)
    report.equal("has_img_output", bool(answer.images))
    report.equal("num_gen_imgs", len(answer.images))
    report.equal("text_after_regex_cleanup", clean_text(text))
    if answer.images and report.expects("img_gen_feat"):
        report.close("img_gen_feat", torch.stack([image.features for image in answer.images]))
    if answer.images and report.expects("hidden_at_img_tokens"):
        report.close("hidden_at_img_tokens", torch.stack([image.hidden_states for image in answer.images]))


def run_lora(report: Report) -> None:
    """Read the checkpoint of a LoRA run twice, merged and as adapters; the names are compared as well."""
    case = report.case
    scaling = case.config["lora_alpha"] / case.config["r"]
    if "scaling" in case.config:
        report.check("scaling", scaling, case.config["scaling"])
    weights = case.weights()
    merged = agent(case.config)
    merged.load_state_dict(merge_agent_state(weights, lora_scaling=scaling))
    _compare_lora(report, merged)

    adapted = agent(case.config)
    adapted.llm = get_peft_model(  # type: ignore[assignment]
        adapted.llm,
        LoraConfig(
            r=case.config["r"],
            lora_alpha=case.config["lora_alpha"],
            target_modules=LORA_TARGETS,
            modules_to_save=case.config["modules_to_save"],
        ),
    ).eval()
    for embedding in (adapted.causal_lm.model.embed_tokens, adapted.causal_lm.lm_head):
        embedding.requires_grad_(True)
    plain_names = {name.replace(".base_layer.", "."): name for name in adapted.state_dict()}
    buffers = [name for name in weights if name.endswith("rotary_emb.inv_freq")]  # today's Llama does not save it
    adapted.load_state_dict({plain_names[name]: tensor for name, tensor in weights.items() if name not in buffers})
    _compare_lora(report, adapted)
    if report.expects("state_dict_keys"):
        report.equal("state_dict_keys", _in_order([*plain_names, *buffers], case.outputs["state_dict_keys"]))
    if report.expects("trainable_parameter_names"):
        ours = [name.replace(".base_layer.", ".") for name, p in adapted.named_parameters() if p.requires_grad]
        # The reference leaves requires_grad on the unused originals of the norms; no gradient ever reaches them.
        unused = [name for name in plain_names if ".original_module." in name]
        expected = case.outputs["trainable_parameter_names"]
        report.equal("trainable_parameter_names", _in_order([*ours, *unused], expected))
    _compare_new_rows(report)


def _in_order(ours: list[str], expected: list[str]) -> list[str]:
    """Return our names in the expected order where they are the same set; order is no part of the claim."""
    return list(expected) if sorted(ours) == sorted(expected) else ours


def _compare_lora(report: Report, model: LVLM) -> None:
    case = report.case
    output = model(case.input("input_ids"), case.input("labels"))
    report.close("loss", output.lm_loss)
    if report.expects("logits_last_unpadded"):
        last = case.input("attention_mask").sum(dim=1) - 1
        hidden = output.hidden_states[torch.arange(last.shape[0]), last]
        report.close("logits_last_unpadded", model.logits(hidden))
    if report.expects("last_hidden_row0"):
        report.close("last_hidden_row0", output.hidden_states[0])


def _compare_new_rows(report: Report) -> None:
    case = report.case
    if not case.has_input("old_input_embeddings"):
        return
    old = case.input("old_input_embeddings").float()
    llm = llama({**case.config["llm"], "vocab_size": old.shape[0]})
    llm.model.embed_tokens.load_state_dict({"weight": old})
    llm.lm_head.load_state_dict({"weight": case.input("old_output_embeddings").float()})
    grow_vocabulary(llm, case.config["llm"]["vocab_size"])
    report.close("new_input_embedding_row", llm.model.embed_tokens.weight[-1])
    report.close("new_output_embedding_row", llm.lm_head.weight[-1])


def run_story_generation(report: Report) -> None:
    """Write the next page of a story: SEED-Story decodes all ids, and gives the last image alone."""
    names = tokenizer(report)
    prompt = report.case.inputs["prompt"]
    report.check("prompt", _story_prompt(prompt), prompt)
    for answer in _answers(report, names):
        report.equal("generated_ids", answer.token_ids)
        report.equal("text", names.decode(answer.token_ids))
        report.equal("has_img_output", bool(answer.images))
        report.equal("num_gen_imgs", len(answer.images[-1:]))
        if answer.images and report.expects("img_gen_feat"):
            report.close("img_gen_feat", answer.images[-1].features[None])
        if answer.images and report.expects("hidden_at_img_tokens"):
            report.close("hidden_at_img_tokens", answer.images[-1].hidden_states[None])


def _story_prompt(prompt: str) -> str:
    """Return our prompt for the pages of a prompt of SEED-Story, which has not dropped any."""
    blocks = re.findall(r"<img>(?:<img_\d+>)+</img>", prompt)
    pages = re.split(r"<img>(?:<img_\d+>)+</img>", prompt)[:-1]
    captions = [page.removeprefix("[INST]") if number else page for number, page in enumerate(pages)]
    parts = story_window(captions)
    return "".join(part.text if part.page is None else part.text + blocks[part.page] for part in parts)


KINDS = {
    "agent_train": run_train,
    "agent_gen": run_generation,
    "agent_lora": run_lora,
    "story_train": run_train,
    "story_gen": run_story_generation,
}
