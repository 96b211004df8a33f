using System.Globalization;

namespace KvmBackup.Lab.Support;

/// <summary>
/// What chooses the steps and faults that a matrix takes when it does not take all: another selection each day, the same one
/// when the seed is given again.
/// </summary>
public static class LabSeed
{
    /// <summary>Set by <c>tests/run.sh</c>, which prints it.</summary>
    public const string Variable = "KVMBACKUP_LAB_SEED";

    /// <summary>As <c>20261120</c>: the day, in UTC.</summary>
    public static int Value { get; } =
        int.TryParse(Environment.GetEnvironmentVariable(Variable), CultureInfo.InvariantCulture, out int given)
            ? given : int.Parse($"{DateTime.UtcNow:yyyyMMdd}", CultureInfo.InvariantCulture);

    /// <summary>The selection of one test.</summary>
    /// <param name="test">A number of its own, so that tests differ in what they take.</param>
    public static Random For(int test) => new(unchecked((Value * 397) ^ test));
}
