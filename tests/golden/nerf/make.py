#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Fixtures of NeRF, computed with the PyTorch code that is most in use (github.com/yenchenlin/nerf-pytorch, MIT).

  tests/golden/nerf/make.py FOLDER_OF_NERF_PYTORCH

Writes nerf_small.tar (a checkpoint as that program saves it) and nerf_small.npz (rays, random numbers, results) beside
this file. Wants Debian's python3-torch and python3-numpy.
"""
import os
import sys
import types

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))


def load_reference(folder):
    sys.path.insert(0, folder)
    for name in ("imageio", "tqdm", "matplotlib", "matplotlib.pyplot", "load_llff", "load_deepvoxels", "load_blender",
                 "load_LINEMOD"):
        module = types.ModuleType(name)
        for missing in ("tqdm", "trange", "load_llff_data", "load_dv_data", "load_blender_data", "load_LINEMOD_data"):
            setattr(module, missing, None)
        sys.modules.setdefault(name, module)
    import run_nerf
    return run_nerf


def main():
    ref = load_reference(sys.argv[1])
    torch.manual_seed(5)
    torch.set_num_threads(1)
    embed, n_points = ref.get_embedder(10, 0)
    embed_dirs, n_dirs = ref.get_embedder(4, 0)

    def net():
        return ref.NeRF(D=8, W=24, input_ch=n_points, output_ch=5, skips=[4], input_ch_views=n_dirs, use_viewdirs=True)

    coarse, fine = net(), net()
    with torch.no_grad():
        for n in (coarse, fine):
            for p in n.parameters():
                p.mul_(1.6)
            n.alpha_linear.bias.fill_(0.3)
    parameters = list(coarse.parameters()) + list(fine.parameters())
    optimizer = torch.optim.Adam(parameters, lr=5e-4, betas=(0.9, 0.999))
    query = lambda inputs, dirs, fn: ref.run_network(inputs, dirs, fn, embed, embed_dirs, netchunk=1 << 16)

    generator = torch.Generator().manual_seed(9)
    n = 12
    origins = torch.randn(n, 3, generator=generator) * 0.3 + torch.tensor([0.0, 0.0, 4.0])
    directions = torch.randn(n, 3, generator=generator) * 0.2 + torch.tensor([0.0, 0.0, -1.1])
    target = torch.rand(n, 3, generator=generator)
    view = directions / directions.norm(dim=-1, keepdim=True)
    out = {"origins": origins, "directions": directions, "target": target}

    def rays(near, far):
        bounds = torch.tensor([near, far]).expand(n, 2)
        return torch.cat([origins, directions, bounds, view], -1)

    common = dict(network_fn=coarse, network_query_fn=query, N_samples=16, N_importance=24, network_fine=fine)
    for name, near, far, extra in (("white", 2.0, 6.0, dict(white_bkgd=True)),
                                   ("black", 2.0, 6.0, dict(white_bkgd=False)),
                                   ("disparity", 1.0, 9.0, dict(white_bkgd=False, lindisp=True))):
        got = ref.render_rays(rays(near, far), retraw=True, **extra, **common)
        for k in ("rgb_map", "acc_map", "disp_map", "rgb0", "acc0", "z_std", "raw"):
            out[f"{name}.{k}"] = got[k]

    # A training step: both pictures, random places from numpy's generator as the program's own tests draw them.
    got = ref.render_rays(rays(2.0, 6.0), perturb=1.0, raw_noise_std=0.5, pytest=True, white_bkgd=True, **common)
    np.random.seed(0)
    out["train.u_coarse"] = torch.Tensor(np.random.rand(n, 16))
    np.random.seed(0)
    out["train.u_fine"] = torch.Tensor(np.random.rand(n, 24))
    np.random.seed(0)
    out["train.noise_coarse"] = torch.Tensor(np.random.rand(n, 16) * 0.5)
    np.random.seed(0)
    out["train.noise_fine"] = torch.Tensor(np.random.rand(n, 40) * 0.5)
    loss = ref.img2mse(got["rgb_map"], target) + ref.img2mse(got["rgb0"], target)
    loss.backward()
    out["train.rgb_map"], out["train.rgb0"], out["train.loss"] = got["rgb_map"], got["rgb0"], loss
    for which, network in (("coarse", coarse), ("fine", fine)):
        for key, p in network.named_parameters():
            out[f"grad.{which}.{key}"] = p.grad

    o, d = ref.ndc_rays(30, 40, 33.0, 1.0, origins, directions)
    out["ndc.origins"], out["ndc.directions"] = o, d
    np.savez_compressed(os.path.join(HERE, "nerf_small.npz"), **{k: v.detach().numpy() for k, v in out.items()})
    before = [p.detach().clone() for p in parameters]
    optimizer.step()  # so that the optimiser has a state, as in files of that program; the weights stay
    with torch.no_grad():
        for p, value in zip(parameters, before):
            p.copy_(value)
    torch.save({"global_step": 1, "network_fn_state_dict": coarse.state_dict(),
                "network_fine_state_dict": fine.state_dict(), "optimizer_state_dict": optimizer.state_dict()},
               os.path.join(HERE, "nerf_small.tar"))


if __name__ == "__main__":
    main()
