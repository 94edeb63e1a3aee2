// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/occupancy_samples.h"
#include "nir/geom/rasterizer.h"
#include "nir/models/model.h"

#include "pipeline/train_run_folder.h"

namespace nir::pipeline {

/// How a reconstruction compares with the labels of its scan. Shapes with a volume (fields at their own level, voxels
/// at 0.5): "iou" at points in the box and "iou_near" near the surface. Points and meshes: "chamfer", the mean of both
/// mean distances (not squared) between them and points of the true surface; a mesh is sampled by area, and one without
/// area is as far away as the box of the truth is wide. Nothing if the scan has no labels of the kind.
Figures shape_figures(const models::Shape& shape, const data::LabelledScan& scan);

/// One number to choose weights by, larger is better: the IoU, or 1 - chamfer (at least 0) for shapes without a volume;
/// -1 if there is neither. @param prefix  of the names in `figures`
double score_of(const Figures& figures, std::string_view prefix);

/// The scan beside the shape: a field by its mesh on `cells` cells, voxels as boxes, points as points.
geom::Image8 shape_picture(const geom::PointCloud& scan, const models::Shape& shape, int cells,
                           const geom::RenderOptions& view);

}  // namespace nir::pipeline
