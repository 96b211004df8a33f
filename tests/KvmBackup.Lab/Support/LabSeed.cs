using System.Globalization;

namespace KvmBackup.Lab.Support;

/// <summary>
/// Selects the steps and faults of a matrix when it does not run all: another selection each day, and the same one for
/// the same seed.
/// </summary>
public static class LabSeed
{
    /// <summary>Set by <c>tests/run.sh</c>, which prints it.</summary>
    public const string Variable = "KVMBACKUP_LAB_SEED";

    /// <summary>The day in UTC, for instance <c>20261120</c>.</summary>
    public static int Value { get; } =
        int.TryParse(Environment.GetEnvironmentVariable(Variable), CultureInfo.InvariantCulture, out int given)
            ? given : int.Parse($"{DateTime.UtcNow:yyyyMMdd}", CultureInfo.InvariantCulture);

    /// <summary>The selection of one test.</summary>
    /// <param name="test">A different number for each test, so that their selections differ.</param>
    public static Random For(int test) => new(unchecked((Value * 397) ^ test));
}
