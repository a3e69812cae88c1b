#include "tool/ctl_units.h"

#include <stdio.h>
#include <time.h>

/* The two largest units, the second one if it is not zero. */
const char *ctl_age(int64_t seconds, char out[CTL_UNIT_SIZE])
{
	static const struct { int64_t size, part; char name, part_name; } units[] = {
		{ 86400, 3600, 'd', 'h' }, { 3600, 60, 'h', 'm' }, { 60, 60, 'm', 0 }, { 1, 1, 's', 0 }
	};
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (units[i].size > 1 && seconds < units[i].size)
		i++;
	if (units[i].part_name && seconds % units[i].size / units[i].part)
		snprintf(out, CTL_UNIT_SIZE, "%lld%c%lld%c", (long long)(seconds / units[i].size),
			units[i].name, (long long)(seconds % units[i].size / units[i].part),
			units[i].part_name);
	else
		snprintf(out, CTL_UNIT_SIZE, "%lld%c", (long long)(seconds / units[i].size), units[i].name);
	return out;
}

const char *ctl_size(int64_t bytes, char out[CTL_UNIT_SIZE])
{
	static const char letters[] = "KMGTPE";
	double value = (double)(bytes < 0 ? 0 : bytes);
	int i = -1;

	for (; value >= 999.5 && letters[i + 1]; i++)
		value /= 1024;
	if (i < 0)
		snprintf(out, CTL_UNIT_SIZE, "%.0f", value);
	else
		snprintf(out, CTL_UNIT_SIZE, value < 9.95 ? "%.1f%c" : "%.0f%c", value, letters[i]);
	return out;
}

const char *ctl_time(int64_t seconds_since_1970, char out[CTL_UNIT_SIZE])
{
	time_t at = (time_t)seconds_since_1970;
	struct tm tm;

	if (!localtime_r(&at, &tm) || strftime(out, CTL_UNIT_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, CTL_UNIT_SIZE, "%lld", (long long)seconds_since_1970);
	return out;
}
