// Rows of many shapes, and queries near them, for tests that compare scans with brute force.
#pragma once

#include <random>

#include "store.hpp"

namespace vecidx_test {

enum Distribution { kGaussian, kClustered, kDuplicates, kOnePoint, kLine, kOutlier, kMixed, kManifold, kDistributions };

// `kMixed` holds NULLs, zero vectors and values that no code can hold.
inline std::vector<Vector> make_rows(std::mt19937_64 &random, size_t n, uint32_t dim, int distribution) {
	std::normal_distribution<float> normal;
	std::vector<Vector> rows(n, Vector(dim)), centers(8, Vector(dim));
	for (auto &c : centers)
		for (auto &v : c)
			v = 10 * normal(random);
	for (size_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < dim; j++) {
			float &v = rows[i][j];
			v = normal(random);
			if (distribution == kClustered)
				v = centers[i % 8][j] + 0.1F * v;
			if (distribution == kDuplicates)
				v = centers[i % 8][j];
			if (distribution == kOnePoint)
				v = 3;
			if (distribution == kLine)
				v = 0.01F * static_cast<float>(i);
		}
	if (distribution == kManifold) // as embeddings: few directions vary much
		for (auto &row : rows)
			for (uint32_t j = 8; j < dim; j++)
				row[j] = row[j % 8] * centers[j % 8][j % 5] * 0.1F + 0.1F * row[j];
	if (distribution == kOutlier && n > 0)
		rows[0].assign(dim, 1e6F);
	if (distribution == kMixed)
		for (size_t i = 0; i < n; i++) {
			if (i % 7 == 1)
				rows[i].clear();
			else if (i % 7 == 2)
				rows[i].assign(dim, 0);
			else if (i % 31 == 3)
				rows[i][0] = 2e15F;
			else if (i % 31 == 5)
				rows[i].assign(dim, 1e-18F);
		}
	return rows;
}

inline Vector make_query(std::mt19937_64 &random, const std::vector<Vector> &rows, uint32_t dim) {
	Vector q(dim);
	std::normal_distribution<float> normal;
	for (auto &v : q)
		v = normal(random);
	if (!rows.empty() && random() % 2 == 0) {
		const Vector &row = rows[random() % rows.size()];
		for (size_t j = 0; j < row.size(); j++)
			q[j] = row[j] + (random() % 2 == 0 ? 0 : 0.01F * q[j]);
	}
	return q;
}

} // namespace vecidx_test
